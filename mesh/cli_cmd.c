/* SPDX-License-Identifier: Apache-2.0 */
/* cli_cmd.c - rows of nouns and commands. */
#include "mesh/cli_cmd.h"

#include <string.h>

#define API "/api/v1"

static const struct cli_noun noun_rows[] = {
	{ "site", NULL, "this site" },
	{ "pair", NULL, "trust between this site and others" },
	{ "network-profile", "np", "networks on which appliances get addresses" },
	{ "compute-profile", "cp", "what this site offers to a mesh" },
	{ "mesh", NULL, "pairs of compute profiles, joined by appliances and tunnels" },
	{ "appliance", NULL, "what carries tunnels: of a mesh, or behind a socket" },
	{ "tunnel", NULL, "encrypted tunnels, by NAME or APPLIANCE/NAME" },
	{ "extension", "ne", "segments stretched to another site" },
	{ "network", NULL, "segments of this site" },
	{ "relay", NULL, "streams carried between local networks and the tunnel, at an appliance" },
	{ "rate", NULL, "how much of the line these streams may take, at an appliance" },
	{ "host", NULL, "hypervisor hosts" },
	{ "vm", NULL, "virtual machines" },
	{ "migration", "mig", "moves of virtual machines between sites" },
	{ "job", NULL, "pieces of work with steps, progress and an end" },
	{ "event", NULL, "what happened" },
};

static const struct cli_cmd cmd_rows[] = {
	{ "site", "init", "--name NAME [--location TEXT]", 0, 0, .method = "POST", .path = API "/site",
	  .help = "gives the site its name, its keys and its admin token" },
	{ "site", "show", "", 0, 0, .method = "GET", .path = API "/site", .help = "shows the site" },
	{ "pair", "invite", "[--valid D]", 0, 0, .method = "POST", .path = API "/pairings", .only = "invite",
	  .help = "prints the string that another site accepts, once" },
	{ "pair", "accept", "STRING", 1, 1, .method = "POST", .path = API "/pairings/accept", .key = "invite",
	  .help = "uses such a string, and shows the words to compare" },
	{ "pair", "confirm", "SITE [--words \"A B C D\"]", 1, 1, .method = "POST", .path = API "/pairings/{}/confirm",
	  .help = "says which words the other site shows" },
	{ "pair", "list", "", 0, 0, .method = "GET", .path = API "/pairings", .help = "lists the pairings" },
	{ "pair", "show", "SITE", 1, 1, .method = "GET", .path = API "/pairings/{}",
	  .help = "shows one pairing, with its words while they are compared" },
	{ "pair", "check", "SITE", 1, 1, .method = "POST", .path = API "/pairings/{}/check",
	  .help = "asks the other site's manager who it is, and says how long that took" },
	{ "pair", "revoke", "SITE [--force] [--yes]", 1, 1, .method = "POST", .path = API "/pairings/{}/revoke",
	  .warn = "This ends the trust between the two sites.", .help = "ends a pairing, at both sites" },
	{ "network-profile", "create", "NAME --function F[,F] --bridge B --range A-B --prefix N [--gateway G] [--dns D]"
	  " [--mtu M] [--dry-run]", 1, 1,
	  .method = "POST", .path = API "/network-profiles", .key = "name",
	  .help = "describes a network on which appliances get addresses" },
	{ "network-profile", "list", "", 0, 0, .method = "GET", .path = API "/network-profiles",
	  .help = "lists the network profiles" },
	{ "network-profile", "show", "NAME", 1, 1, .method = "GET", .path = API "/network-profiles/{}",
	  .help = "shows one, with the addresses that are held" },
	{ "network-profile", "delete", "NAME [--dry-run] [--yes]", 1, 1, .method = "DELETE",
	  .path = API "/network-profiles/{}", .help = "removes one that nothing uses" },
	{ "compute-profile", "create", "NAME --services S[,S] --host H --pool P --network FUNCTION=NP [--extendable B]"
	  " [--dry-run]", 1, 1,
	  .method = "POST", .path = API "/compute-profiles", .key = "name",
	  .help = "describes what the site offers to a mesh" },
	{ "compute-profile", "list", "", 0, 0, .method = "GET", .path = API "/compute-profiles",
	  .help = "lists the compute profiles" },
	{ "compute-profile", "show", "NAME", 1, 1, .method = "GET", .path = API "/compute-profiles/{}",
	  .help = "shows one compute profile" },
	{ "compute-profile", "delete", "NAME [--dry-run] [--yes]", 1, 1, .method = "DELETE",
	  .path = API "/compute-profiles/{}", .help = "removes one that no mesh uses" },
	{ "mesh", "create", "NAME --site SITE --local CP --remote CP [--dry-run] [--detach] [--wait D] [--yes]", 1, 1,
	  .method = "POST", .path = API "/meshes", .key = "name", .show = API "/meshes/{}", .after = CLI_WAIT,
	  .help = "places appliances at both sites, and joins them by tunnels" },
	{ "mesh", "list", "", 0, 0, .method = "GET", .path = API "/meshes",
	  .help = "lists the meshes and their state" },
	{ "mesh", "show", "NAME", 1, 1, .method = "GET", .path = API "/meshes/{}",
	  .help = "shows one mesh: its appliances and tunnels" },
	{ "mesh", "delete", "NAME [--dry-run] [--detach] [--wait D] [--yes]", 1, 1, .method = "DELETE",
	  .path = API "/meshes/{}", .after = CLI_WAIT,
	  .warn = "This removes the tunnels of the mesh and its appliances at both sites.",
	  .help = "removes a mesh, at both sites" },
	{ "appliance", "list", "", 0, 0, .method = "GET", .path = API "/appliances",
	  .help = "lists the appliances and their state" },
	{ "appliance", "show", "[NAME]", 0, 1, .method = "GET", .path = API "/appliances/{}", .rpc = "show",
	  .help = "shows an appliance: state, process, memory, counters" },
	{ "appliance", "restart", "NAME [--detach] [--wait D] [--yes]", 1, 1, .method = "POST",
	  .path = API "/appliances/{}/restart", .after = CLI_WAIT, .warn = "Its tunnels stand still until it is back.",
	  .help = "ends an appliance and starts it again" },
	{ "tunnel", "list", "", 0, 0, .method = "GET", .path = API "/tunnels", .rpc = "list",
	  .help = "lists the tunnels and their state" },
	{ "tunnel", "show", "NAME", 1, 1, .method = "GET", .path = API "/tunnels/{}", .rpc = "show",
	  .help = "shows one tunnel: suite, paths, counters" },
	{ "tunnel", "test", "NAME [--seconds N]", 1, 1, .method = "POST", .path = API "/tunnels/{}/test", .rpc = "test",
	  .help = "measures a tunnel: round trip, loss, largest packet, speed" },
	{ "tunnel", "rekey", "NAME", 1, 1, .method = "POST", .path = API "/tunnels/{}/rekey", .rpc = "rekey",
	  .help = "renews the ESP SAs of a tunnel now" },
	{ "tunnel", "rekey-ike", "NAME", 1, 1, .method = "POST", .path = API "/tunnels/{}/rekey-ike", .rpc = "rekey-ike",
	  .help = "renews the IKE SAs of a tunnel now" },
	{ "extension", "create", "BRIDGE --mesh M [--remote-bridge B] [--gateway A/N] [--vni N] [--dry-run] [--detach]"
	  " [--wait D] [--yes]", 1, 1, .method = "POST", .path = API "/extensions", .key = "bridge",
	  .show = API "/extensions/{}", .after = CLI_WAIT, .help = "stretches a segment to the other site of a mesh" },
	{ "extension", "list", "", 0, 0, .method = "GET", .path = API "/extensions", .rpc = "list",
	  .help = "lists the stretched segments" },
	{ "extension", "show", "NAME", 1, 1, .method = "GET", .path = API "/extensions/{}", .rpc = "show",
	  .help = "shows one stretched segment and its counters" },
	{ "extension", "delete", "NAME [--dry-run] [--detach] [--wait D] [--yes]", 1, 1, .method = "DELETE",
	  .path = API "/extensions/{}", .after = CLI_WAIT, .warn = "This cuts the segment in two.",
	  .help = "ends the stretching of a segment, at both sites" },
	{ "network", "list", "", 0, 0, .method = "GET", .path = API "/networks",
	  .help = "lists the bridges that can be stretched, and those that are" },
	{ "relay", "list", "", 0, 0, .rpc = "list", .help = "lists the relayed streams" },
	{ "rate", "show", "[APPLIANCE]", 0, 1, .method = "GET", .path = API "/appliances/{}/rate", .rpc = "show",
	  .help = "shows the limits of the streams of an appliance" },
	{ "rate", "set", "[APPLIANCE] [--all-mbit N] [--live-mbit N] [--bulk-mbit N]", 0, 1, .method = "POST",
	  .path = API "/appliances/{}/rate", .rpc = "set",
	  .help = "changes them, until the appliance is started anew" },
	{ "host", "list", "", 0, 0, .method = "GET", .path = API "/hosts", .help = "lists the hypervisor hosts" },
	{ "host", "show", "[NAME]", 0, 1, .method = "GET", .path = API "/hosts/{}", .rpc = "show",
	  .help = "shows a host: its site, hypervisor and capacity" },
	{ "host", "invite", "NAME", 1, 1, .method = "POST", .path = API "/hosts", .key = "name", .only = "seed",
	  .help = "prints what the agent of a new host enrols with, once" },
	{ "host", "delete", "NAME [--yes]", 1, 1, .method = "DELETE", .path = API "/hosts/{}",
	  .warn = "The agent of this host is not known any more then.", .help = "forgets a host" },
	{ "vm", "list", "", 0, 0, .method = "GET", .path = API "/vms", .rpc = "list",
	  .help = "lists the virtual machines and who owns them" },
	{ "vm", "show", "NAME", 1, 1, .method = "GET", .path = API "/vms/{}", .rpc = "show",
	  .help = "shows one virtual machine: disks, networks, owner" },
	{ "migration", "create", "VM --to SITE[/HOST] [--kind KIND] [--map-network A:B] [--map-pool A:B] [--dry-run]"
	  " [--detach] [--wait D] [--yes]", 1, 1, .method = "POST", .path = API "/migrations", .key = "vm",
	  .show = API "/migrations/{}", .rpc = "create", .after = CLI_WAIT, .help = "moves a virtual machine to another site" },
	{ "migration", "validate", "VM --to SITE[/HOST] [--kind KIND] [--map-network A:B] [--map-pool A:B]", 1, 1,
	  .method = "POST", .path = API "/migrations?dry_run=true", .key = "vm", .rpc = "create",
	  .help = "says whether that move would be possible, and changes nothing" },
	{ "migration", "list", "", 0, 0, .method = "GET", .path = API "/migrations", .rpc = "list",
	  .help = "lists the moves, past and present" },
	{ "migration", "show", "ID", 1, 1, .method = "GET", .path = API "/migrations/{}", .rpc = "show",
	  .help = "shows one move: steps, times, proof of the disks" },
	{ "migration", "watch", "ID [--wait D]", 1, 1, .method = "GET", .path = API "/migrations/{}", .rpc = "show",
	  .after = CLI_WAIT, .help = "waits with progress until a move ends" },
	{ "migration", "cancel", "ID [--detach] [--wait D] [--yes]", 1, 1, .method = "POST",
	  .path = API "/migrations/{}/cancel", .show = API "/migrations/{}", .rpc = "cancel", .after = CLI_WAIT_UNDONE,
	  .warn = "This stops the move; the machine stays where it is.",
	  .help = "stops a move that has not reached its switchover" },
	{ "migration", "resume", "ID [--detach] [--wait D] [--yes]", 1, 1, .method = "POST",
	  .path = API "/migrations/{}/resume", .show = API "/migrations/{}", .after = CLI_WAIT,
	  .help = "lets a move go on that waits for the operator" },
	{ "migration", "rollback", "ID [--detach] [--wait D] [--yes]", 1, 1, .method = "POST",
	  .path = API "/migrations/{}/rollback", .show = API "/migrations/{}", .after = CLI_WAIT,
	  .warn = "This takes the machine back to where it came from.",
	  .help = "takes a machine back to what is parked at the source" },
	{ "migration", "finish", "ID [--detach] [--wait D] [--yes]", 1, 1, .method = "POST",
	  .path = API "/migrations/{}/finish", .show = API "/migrations/{}", .rpc = "finish", .after = CLI_WAIT,
	  .warn = "This removes the copy of the machine that is parked at the source.",
	  .help = "removes what a move left parked at the source" },
	{ "job", "list", "", 0, 0, .method = "GET", .path = API "/jobs", .rpc = "list", .help = "lists the jobs" },
	{ "job", "show", "ID", 1, 1, .method = "GET", .path = API "/jobs/{}", .rpc = "show",
	  .help = "shows one job and its steps" },
	{ "job", "watch", "ID [--wait D]", 1, 1, .method = "GET", .path = API "/jobs/{}", .rpc = "show",
	  .after = CLI_WAIT, .help = "waits with progress until a job ends" },
	{ "job", "cancel", "ID [--detach] [--wait D] [--yes]", 1, 1, .method = "POST", .path = API "/jobs/{}/cancel",
	  .after = CLI_WAIT_UNDONE, .warn = "What the job did so far is undone.",
	  .help = "stops a job and undoes what it did" },
	{ "job", "resume", "ID [--detach] [--wait D] [--yes]", 1, 1, .method = "POST", .path = API "/jobs/{}/resume",
	  .after = CLI_WAIT, .help = "lets a job go on that waits for the operator" },
	{ "event", "list", "[--follow]", 0, 0, .method = "GET", .path = API "/events", .help = "lists what happened" },
};

const struct cli_cmd *cli_cmd_at(size_t i)
{
	return i < CW_COUNT(cmd_rows) ? &cmd_rows[i] : NULL;
}

const struct cli_noun *cli_noun_at(size_t i)
{
	return i < CW_COUNT(noun_rows) ? &noun_rows[i] : NULL;
}

const struct cli_noun *cli_noun_find(const char *word)
{
	for (size_t i = 0; i < CW_COUNT(noun_rows); i++)
		if (strcmp(word, noun_rows[i].name) == 0 || (noun_rows[i].brief && strcmp(word, noun_rows[i].brief) == 0))
			return &noun_rows[i];
	return NULL;
}

const struct cli_cmd *cli_cmd_find(const char *noun, const char *verb)
{
	const struct cli_noun *n = cli_noun_find(noun);

	for (size_t i = 0; n && i < CW_COUNT(cmd_rows); i++)
		if (strcmp(n->name, cmd_rows[i].noun) == 0 && strcmp(verb, cmd_rows[i].verb) == 0)
			return &cmd_rows[i];
	return NULL;
}

enum cli_takes cli_cmd_takes(const struct cli_cmd *cmd, const char *name)
{
	size_t len = strlen(name);
	int depth = 0;

	for (const char *p = cmd->args; *p; p++) {
		depth += (*p == '[') - (*p == ']');
		if (strncmp(p, "--", 2) == 0 && strncmp(p + 2, name, len) == 0 && (!p[2 + len] || strchr(" ]", p[2 + len])))
			return depth > 0 ? CLI_TAKES : CLI_NEEDS;
	}
	return CLI_TAKES_NOT;
}
