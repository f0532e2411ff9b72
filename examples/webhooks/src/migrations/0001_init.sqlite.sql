-- sherd: compatible
CREATE TABLE `{{namespace}}_order` (
	`id` text PRIMARY KEY NOT NULL,
	`customer` text NOT NULL,
	`amount` integer NOT NULL,
	`webhook_url` text NOT NULL,
	`created_at` integer NOT NULL
);
