/* SPDX-License-Identifier: Apache-2.0 */
/* Runs before the other modules are there: asks for what the overview shows. */
import {askEarly} from "./api.js";

if (["", "#", "#/"].includes(location.hash))
    askEarly("/summary");
