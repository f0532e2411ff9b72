export type { AdapterUnderTest, Deviation } from "./adapter/adapter-under-test.ts";
export { describeAdapter } from "./adapter/describe-adapter.ts";
export type { DescribeAdapterOptions } from "./adapter/describe-adapter.ts";
export { eventually } from "./eventually.ts";
