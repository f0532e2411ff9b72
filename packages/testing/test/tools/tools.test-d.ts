import { defineFragment, hook, instantiate } from "@sherd/core";
import { sqliteAdapter } from "@sherd/sqlite";
import {
  drainHooks,
  expectNotTriggered,
  expectTriggered,
  inlineHooks,
  performHook,
  testClock,
} from "@sherd/testing";
import { expectTypeOf } from "vitest";
import { mailer } from "./mailer.ts";

const clock = testClock();
const databaseAdapter = sqliteAdapter(":memory:", { clock });
const config = { send: () => {} };
const fragment = instantiate(mailer)
  .withConfig(config)
  .withOptions({ databaseAdapter, durableHooks: { clock } })
  .build();
const plainDefinition = defineFragment("plain")
  .withHooks(() => ({ go: hook({ run() {} }) }))
  .build();
const plain = instantiate(plainDefinition).withOptions({ databaseAdapter }).build();

// The names in a summary are the fragments' own.
type MailerName = "mail" | "remind" | "audit" | "newsletter";
expectTypeOf((await drainHooks(fragment)).completed).toEqualTypeOf<readonly MailerName[]>();
expectTypeOf((await drainHooks([fragment, plain])).failed).toEqualTypeOf<readonly (MailerName | "go")[]>();

// What is scheduled takes a clock to advance.
void drainHooks(fragment, { withScheduled: true, clock });
void drainHooks(fragment, { withScheduled: new Date(), clock, throwOnFailure: false });
void drainHooks(fragment, { clock });
// @ts-expect-error there is no clock
void drainHooks(fragment, { withScheduled: true });
// @ts-expect-error a clock of the platform cannot be advanced
void drainHooks(fragment, { withScheduled: true, clock: { now: () => Date.now() } });
// @ts-expect-error there is no such option
void inlineHooks(fragment, { throwOnFailures: true });

// A hook that there is, and any part of its payload.
void expectTriggered(fragment, "mail", { to: "ada" }, { times: 2, status: "completed" });
void expectTriggered(fragment, "newsletter", ["ada"]);
void expectTriggered(fragment, "audit", null);
void expectNotTriggered(fragment, "audit");
// @ts-expect-error the fragment has no such hook
void expectTriggered(fragment, "mial");
// @ts-expect-error the payload has no such property
void expectTriggered(fragment, "mail", { from: "ada" });
// @ts-expect-error the property has another type
void expectTriggered(fragment, "mail", { to: 1 });
// @ts-expect-error the elements have another type
void expectNotTriggered(fragment, "newsletter", [1]);
// @ts-expect-error the hook takes no payload
void expectNotTriggered(fragment, "audit", {});
// @ts-expect-error there is no such status
void expectTriggered(fragment, "mail", {}, { status: "done" });

// A whole payload, and the config that the definition asks for.
void performHook(mailer, "mail", { to: "ada", subject: "hi" }, { config, attempt: 2, fragment });
void performHook(plainDefinition, "go", null);
void performHook(plainDefinition, "go", null, { trace: 1 });
// @ts-expect-error a part of the payload is missing
void performHook(mailer, "mail", { to: "ada" }, { config });
// @ts-expect-error there is no config
void performHook(mailer, "mail", { to: "ada", subject: "hi" });
// @ts-expect-error the config is another's
void performHook(mailer, "mail", { to: "ada", subject: "hi" }, { config: {} });
// @ts-expect-error the definition has no such hook
void performHook(plainDefinition, "mail", null);
// @ts-expect-error the fragment is another's
void performHook(mailer, "mail", { to: "ada", subject: "hi" }, { config, fragment: plain });
