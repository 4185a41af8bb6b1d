/** Tommy Ettinger's mulberry32, with the same draws as its usual JavaScript form: 32 bits of state, good enough for test data. */
final class Mulberry32 {
    private static final int STEP = 0x6D2B79F5;

    private int state;

    Mulberry32(int seed) {
        state = seed;
    }

    /** Uniform in 0 … bound - 1. */
    int below(int bound) {
        state += STEP;
        int mixed = (state ^ state >>> 15) * (state | 1);
        mixed ^= mixed + (mixed ^ mixed >>> 7) * (mixed | 61);
        long draw = Integer.toUnsignedLong(mixed ^ mixed >>> 14);
        return (int) (draw * bound >>> 32);
    }
}
