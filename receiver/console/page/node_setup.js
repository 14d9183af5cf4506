/* SPDX-License-Identifier: Apache-2.0 */
/* What a new node needs: its settings as text, as a docker command and for Compose. Pure. */
const RUN = ["--restart unless-stopped --user 20211:20211 --read-only --cap-drop ALL",
    "--security-opt no-new-privileges:true --env-file node.env",
    "-v netalertx_api:/tmp/api:ro -v netalertx_plugins:/tmp/log/plugins:ro",
    "-v synchub_spool:/var/lib/synchub"];

function quote(value) {
    return `'${value.replaceAll("'", "'\\''")}'`;
}

/* settings: pairs of name and value, in the form that an environment file takes. */
export function settingsText(settings) {
    return settings.map(([name, value]) => `${name}=${value}`).join("\n");
}

export function dockerText(settings, image) {
    return [
        "(umask 077; printf '%s\\n' \\",
        ...settings.map(([name, value]) => `    ${quote(`${name}=${value}`)} \\`),
        "    >node.env)",
        "docker run -d --name synchub-pusher \\",
        ...RUN.map((line) => `    ${line} \\`),
        `    ${image}`,
    ].join("\n");
}

/* A "$" would be a variable to Compose. */
function scalar(value) {
    return JSON.stringify(value).replaceAll("$", "$$$$");
}

export function composeText(settings, image) {
    return [
        "services:",
        "  synchub-pusher:",
        `    image: ${image}`,
        "    restart: unless-stopped",
        "    user: 20211:20211",
        "    read_only: true",
        "    cap_drop: [ALL]",
        '    security_opt: ["no-new-privileges:true"]',
        "    volumes:",
        "      - netalertx_api:/tmp/api:ro",
        "      - netalertx_plugins:/tmp/log/plugins:ro",
        "      - synchub_spool:/var/lib/synchub",
        "    environment:",
        ...settings.map(([name, value]) => `      ${name}: ${scalar(value)}`),
        "volumes:",
        "  netalertx_api: {external: true}",
        "  netalertx_plugins: {external: true}",
        "  synchub_spool: {}",
    ].join("\n");
}
