import type { Random } from '../../util/ports';

/** Chance that a seed decides: the generator sfc32, whose state is four 32-bit words. */
export class SeededRandom implements Random {
  private a = 0x9e3779b9;
  private b = 0x243f6a88;
  private c: number;
  private counter = 1;

  constructor(seed: number) {
    this.c = seed | 0;
    for (let i = 0; i < 15; i++) this.word(); // the first words of neighbouring seeds are alike
  }

  next(): number {
    return this.word() / 0x1_0000_0000;
  }

  id(): string {
    return Array.from({ length: 4 }, () => this.word().toString(16).padStart(8, '0')).join('');
  }

  /** A whole number in [0, below). */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  private word(): number {
    const sum = (this.a + this.b + this.counter++) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = ((this.c << 21) | (this.c >>> 11)) + sum;
    return sum >>> 0;
  }
}
