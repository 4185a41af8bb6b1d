import { must } from '../util/asserts';

/** Union-find over 0 … size-1; the smallest member stands for its set. */
export class DisjointSets {
  private readonly parents: number[];

  constructor(size: number) {
    this.parents = Array.from({ length: size }, (_, index) => index);
  }

  find(member: number): number {
    let root = member;
    for (let up = this.parent(root); up !== root; up = this.parent(root)) root = up;
    // Path compression: keeps long chains of map() from making this quadratic.
    for (let at = member; at !== root;) {
      const next = this.parent(at);
      this.parents[at] = root;
      at = next;
    }
    return root;
  }

  union(a: number, b: number): void {
    const left = this.find(a);
    const right = this.find(b);
    this.parents[Math.max(left, right)] = Math.min(left, right);
  }

  private parent(member: number): number {
    return must(this.parents[member], `member ${member}`);
  }
}
