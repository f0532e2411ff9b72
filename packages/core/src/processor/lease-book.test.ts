import { expect, test } from "vitest";
import type { ClaimedItem } from "../kernel/item.ts";
import { LeaseBook } from "./lease-book.ts";

const itemsOf = (...leases: readonly string[]) => leases.map((lease) => ({ lease }) as ClaimedItem);

function book(...leases: readonly string[]): LeaseBook {
  const made = new LeaseBook();
  made.add(itemsOf(...leases));
  return made;
}

test("a lease is open until its last attempt is settled, and only then there to close", () => {
  const leases = book("a", "a", "b");
  expect(leases.open()).toEqual(["a", "b"]);
  leases.settled("a");
  expect([leases.open(), leases.takeEmptied()]).toEqual([["a", "b"], []]);
  leases.settled("a");
  expect([leases.open(), leases.takeEmptied()]).toEqual([["b"], ["a"]]);
});

test("an emptied lease is taken once, until it is put back", () => {
  const leases = book("a", "b");
  leases.settled("a");
  expect(leases.takeEmptied()).toEqual(["a"]);
  expect(leases.takeEmptied()).toEqual([]);
  leases.settled("b");
  leases.putBack(["a"]);
  expect(leases.takeEmptied().toSorted()).toEqual(["a", "b"]);
});

test("attempts of one lease that come in several batches add up", () => {
  const leases = book("a");
  leases.add(itemsOf("a"));
  leases.settled("a");
  expect(leases.open()).toEqual(["a"]);
});

test("a lease with an attempt that could not be settled is left to expire, whichever ended last", () => {
  const leases = book("a", "a", "b", "b");
  leases.unsettled("a");
  leases.settled("a");
  leases.settled("b");
  leases.unsettled("b");
  expect([leases.open(), leases.takeEmptied()]).toEqual([[], []]);
});

test("a lease that the database no longer has is neither open nor to close", () => {
  const leases = book("a", "a", "b", "b");
  leases.drop("a");
  leases.unsettled("b");
  leases.drop("b");
  expect([leases.open(), leases.takeEmptied()]).toEqual([[], []]);
});

test("what ends late, after its lease is gone, changes nothing", () => {
  const leases = book("a", "b");
  leases.drop("a");
  leases.settled("a");
  leases.settled("unknown");
  expect([leases.open(), leases.takeEmptied()]).toEqual([["b"], []]);
});
