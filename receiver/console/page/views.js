/* SPDX-License-Identifier: Apache-2.0 */
/* All views by the first word of the address, and the menu. */
import * as addNode from "./view_add_node.js";
import * as authFailures from "./view_auth_failures.js";
import * as blocklist from "./view_blocklist.js";
import * as deadLetters from "./view_dead_letters.js";
import * as device from "./view_device.js";
import * as devices from "./view_devices.js";
import * as login from "./view_login.js";
import * as node from "./view_node.js";
import * as nodes from "./view_nodes.js";
import * as overview from "./view_overview.js";
import * as settings from "./view_settings.js";

/*
 * Each view has a title and show(place): it fills place.main, follows place.parameters, and calls
 * place.failed(error) with what it cannot show itself, place.ok() after the hub answered. It
 * returns a function that ends it, or nothing.
 */
export const VIEWS = {
    "": overview, nodes, node, devices, device, login, password: login, settings,
    add: addNode, blocklist, dead: deadLetters, refused: authFailures,
};
export const MENU = [[[], "Overview"], [["nodes"], "Nodes"], [["devices"], "Devices"],
    [["dead"], "Dead letters"], [["blocklist"], "Blocklist"], [["refused"], "Refused requests"],
    [["add"], "Add a node"], [["settings"], "Settings"]];
