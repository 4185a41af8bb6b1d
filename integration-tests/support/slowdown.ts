const SPIN_MS = 60;

/** How many times longer than alone a thread takes on this machine at the moment; 1 when it has a core for itself. */
export function slowdown(): number {
  const startedAt = performance.now();
  const cpu = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(cpu);
    const used = (user + system) / 1000;
    if (used >= SPIN_MS) return Math.max(1, (performance.now() - startedAt) / used);
  }
}
