export interface Signal {
  readonly fired: Promise<void>;
  fire(): void;
}

/**
 * What one side of a test waits for until the other side tells it. Calls made after `await fired` run in the async
 * context of the one who waits: to an adapter that looks for nested transactions, they are not nested.
 */
export function signal(): Signal {
  let fire = () => {};
  const fired = new Promise<void>((resolve) => {
    fire = resolve;
  });
  return { fired, fire };
}
