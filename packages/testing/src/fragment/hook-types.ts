import type { Fragment, Hook } from "@sherd/core";

// oxlint-disable-next-line typescript/no-explicit-any
export type HooksOf<F> = F extends Fragment<any, infer Hooks, any> ? Hooks : never;

/** The names of a fragment's hooks. */
export type HookName<F> = F extends unknown ? keyof HooksOf<F> & string : never;

export type InputOf<H> = H extends Hook<infer Input, never> ? Input : never;

/** The payload that a trigger of the hook must give. */
export type HookInput<F, Name extends HookName<F>> = InputOf<HooksOf<F>[Name & keyof HooksOf<F>]>;

/** A part of a payload: of objects any properties, of arrays every element. */
export type Containing<T> = T extends string | number | boolean | null | undefined | Date
  ? T
  : T extends readonly (infer Element)[]
    ? readonly Containing<Element>[]
    : T extends object
      ? { readonly [Key in keyof T]?: Containing<T[Key]> }
      : T;
