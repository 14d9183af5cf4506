/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds the console's answers, which tests recorded, against its document, and the document against
 * OpenAPI 3.1: openapi.mjs DOCUMENT ANSWERS MODULES. Each operation must have been answered with
 * success at least once. The tests themselves use another validator.
 */
import {readFileSync} from "node:fs";
import {createRequire} from "node:module";
import {resolve} from "node:path";
import {pathToFileURL} from "node:url";

const METHODS = ["get", "post", "put", "patch", "delete"];
const [documentFile, answersFile, modules] = process.argv.slice(2);
const modulesBeside = createRequire(pathToFileURL(resolve(modules, "package.json")));

async function load(name) {
    return import(pathToFileURL(modulesBeside.resolve(name)));
}

const {Validator} = await load("@seriousme/openapi-schema-validator");
const {default: Ajv} = await load("ajv/dist/2020.js");
const {default: addFormats} = await load("ajv-formats");

const document = JSON.parse(readFileSync(documentFile, "utf8"));
const answers = readFileSync(answersFile, "utf8").trimEnd().split("\n")
    .map((line) => JSON.parse(line));
const ajv = new Ajv.default({strict: false, allErrors: true});
addFormats.default(ajv);
ajv.addSchema({$id: "openapi", components: document.components});

/* References of the document to itself, as seen from a schema of its own. */
function outside(value) {
    return JSON.parse(JSON.stringify(value).replaceAll('"#/components/', '"openapi#/components/'));
}

/* The template and the operation of a path; literal paths come first. */
function operationOf(method, path) {
    const fits = (template) => new RegExp(
        `^${template.replaceAll(".", "[.]").replace(/\{[^}]+\}/g, "[^/]+")}$`).test(path);
    const matches = Object.entries(document.paths).filter(([template, item]) =>
        item[method] && fits(template));
    matches.sort(([a], [b]) => a.split("{").length - b.split("{").length);
    return matches[0];
}

function responseOf(operation, status) {
    const response = operation.responses[status] ?? operation.responses.default;
    const name = response?.$ref?.split("/").at(-1);
    return name ? document.components.responses[name] : response;
}

const compiled = new Map();
function validatorOf(schema) {
    const key = JSON.stringify(schema);
    if (!compiled.has(key))
        compiled.set(key, ajv.compile(outside(schema)));
    return compiled.get(key);
}

/* What is wrong with an answer, or null. */
function offence({method, path, status, type, body}) {
    const found = operationOf(method, path);
    if (!found)
        return "is not in the document";
    const response = responseOf(found[1][method], status);
    if (!response)
        return `answers ${status}, which is not in the document`;
    if (!response.content)
        return body === "" ? null : "has a body";
    const content = response.content[type];
    if (!content)
        return `is ${type}, not ${Object.keys(response.content)}`;
    if (!type.includes("json"))
        return null;
    const validate = validatorOf(content.schema);
    return validate(JSON.parse(body)) ? null : ajv.errorsText(validate.errors);
}

const offences = [];
const {valid, errors} = await new Validator().validate(structuredClone(document));
if (!valid)
    offences.push(`the document is no OpenAPI ${document.openapi}: ${JSON.stringify(errors)}`);
const answered = new Set();
for (const answer of answers) {
    const wrong = offence(answer);
    if (wrong)
        offences.push(`${answer.method} ${answer.path} (${answer.status}): ${wrong}`);
    else if (answer.status < 300)
        answered.add(`${answer.method} ${operationOf(answer.method, answer.path)[0]}`);
}
for (const [template, item] of Object.entries(document.paths))
    for (const method of METHODS.filter((one) => item[one] && !answered.has(`${one} ${template}`)))
        offences.push(`${method} ${template} was never answered with success`);
for (const line of new Set(offences))
    console.error(line);
console.log(`${answers.length} answers of ${answered.size} operations held against the document`);
process.exit(offences.length === 0 ? 0 : 1);
