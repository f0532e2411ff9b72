/**
 * Ask `condition` again and again until it answers something truthy, and resolve with that. Rejects when it did
 * not within `withinMs`. What `condition` throws is thrown at once.
 */
export async function eventually<T>(
  condition: () => T | Promise<T>,
  { withinMs }: { readonly withinMs: number },
): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, 50)) {
    const answer = await condition();
    if (answer) return answer;
    if (performance.now() > deadline) throw new Error(`Nothing came of ${condition} within ${withinMs} ms.`);
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
  }
}
