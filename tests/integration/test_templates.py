# SPDX-License-Identifier: Apache-2.0
"""The templates of packaging/templates: made from the table of settings, valid by their formats, and the add-on for Home
Assistant runs."""

import copy
import json
import pathlib
import shlex
import subprocess
import unittest
import xml.etree.ElementTree

import jsonschema
import yaml

from harness import BIN, KEY, REPO, TOKEN, device_mac, device_rows
from reader_site import Site

TEMPLATES = REPO / "packaging" / "templates"
SCHEMAS = pathlib.Path(__file__).parent / "template_schemas"
ADD_ON = TEMPLATES / "home-assistant" / "synchub"


def unraid(path):
    """The template as its schema has it: elements as members, Config as a list of attributes and value."""
    root = xml.etree.ElementTree.parse(path).getroot()
    found = {"version": root.get("version"), "Config": []}
    for element in root:
        if element.tag == "Config":
            found["Config"].append({**element.attrib, "value": element.text or ""})
        else:
            found[element.tag] = element.text or ""
    return found


def load(path):
    if path.suffix == ".xml":
        return unraid(path)
    return json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())


# Each format's files, and a mistake that its schema must find.
FORMATS = {
    "unraid": ("unraid/*.xml", lambda template: template["Config"][-1].update(Type="Setting")),
    "portainer": ("portainer/*.json", lambda template: template["templates"][-1]["env"][0].pop("label")),
    "casaos": ("casaos/*/docker-compose.yml", lambda template: template["x-casaos"].update(port_map=20214)),
    "home_assistant": ("home-assistant/*/config.yaml", lambda template: template["schema"].update(SYNC_devices="boolean")),
}


class Templates(unittest.TestCase):
    def test_they_are_made_from_the_table_of_settings(self):
        done = subprocess.run([TEMPLATES / "generate", BIN], capture_output=True, text=True)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_each_is_valid_and_a_mistake_is_found(self):
        for name, (files, mistake) in FORMATS.items():
            checker = jsonschema.Draft202012Validator(json.loads((SCHEMAS / f"{name}.json").read_text()))
            paths = sorted(TEMPLATES.glob(files))
            self.assertTrue(paths, name)
            for path in paths:
                with self.subTest(path.name):
                    template = load(path)
                    checker.validate(template)
                    broken = copy.deepcopy(template)
                    mistake(broken)
                    self.assertFalse(checker.is_valid(broken))

    def test_images_are_those_of_compose(self):
        compose = "".join((REPO / "docker" / name).read_text() for name in ("compose.yaml", "compose.node.yaml"))
        version = subprocess.run([BIN / "synchub-pusher", "--version"], check=True, capture_output=True,
                                 text=True).stdout.split()[1]
        images = [service["image"] for path in TEMPLATES.glob("casaos/*/docker-compose.yml")
                  for service in load(path)["services"].values()]
        images += [template["image"] for template in load(TEMPLATES / "portainer/templates.json")["templates"]]
        images += [load(path)["Repository"] for path in TEMPLATES.glob("unraid/*.xml")]
        compose = compose.replace("${NODE_IMAGE:-pusher}", "pusher")
        for image in set(images):
            self.assertIn(image.replace(f":{version}", f":${{SYNCHUB_VERSION:-{version}}}"), compose)

    def test_none_offers_a_shell_as_no_image_has_one(self):
        for path in TEMPLATES.glob("unraid/*.xml"):
            self.assertNotIn("Shell", load(path))

    def test_what_they_refer_to_is_there(self):
        for path in TEMPLATES.glob("casaos/*/docker-compose.yml"):
            app = load(path)
            store, services = app["x-casaos"], app["services"]
            self.assertIn(store["port_map"], [port["published"] for port in services[store["main"]]["ports"]])
            self.assertTrue((path.parent / store["icon"]).exists())
            for service in services.values():
                self.assertLessEqual(set(service.get("depends_on", [])), set(services))
            self.assertIn("noeviction", services["redis"]["command"])
        queue = load(TEMPLATES / "portainer/templates.json")["templates"][0]
        self.assertEqual(shlex.split(queue["command"]), services["redis"]["command"])

    def test_options_of_the_add_on_are_of_their_types(self):
        config = load(ADD_ON / "config.yaml")
        for name, value in config["options"].items():
            kind = config["schema"][name]
            self.assertEqual(isinstance(value, list), isinstance(kind, list), name)
            if str(kind).startswith("list("):
                self.assertIn(value, kind[len("list("):].rstrip(")?").split("|"))
        required = [name for name, kind in config["schema"].items() if isinstance(kind, str) and not kind.endswith("?")]
        self.assertLessEqual({"SYNC_api_token", "SYNC_encryption_key"}, set(required))


class AddOn(Site):
    """The hub of home-assistant/synchub/run, in a network of its own."""

    def start(self, name):
        self.environment = {}
        log, stop = self.background(f"SYNCHUB_DATA={self.folder}/addon {ADD_ON}/run", name)
        self.wait_for("curl -sSf http://hub:20212/readyz", "", log)
        self.wait_for("curl -sSf http://hub:20214/", "Sync Hub", log)
        return log, stop

    def test_it_is_a_hub_whose_data_outlive_it(self):
        data = self.folder / "addon"
        data.mkdir()
        options = load(ADD_ON / "config.yaml")["options"]
        (data / "options.json").write_text(json.dumps({**options, "SYNC_api_token": TOKEN, "SYNC_encryption_key": KEY,
                                                       "SYNC_console_url": ["http://hub:20214"]}))
        _, stop = self.start("first")
        self.environment = dict(self.secret)
        self.push("Office", device_rows(3, "Office"))
        self.environment["SYNC_db"] = f"{data}/synchub.db"
        self.wait_for("synchub-receiver devices --json", device_mac(2, "Office"))
        stop()
        self.start("second")
        self.environment = {**self.secret, "SYNC_db": f"{data}/synchub.db"}
        self.wait_for("synchub-receiver devices --json", device_mac(2, "Office"))

    def test_it_ends_if_a_program_cannot_run(self):
        data = self.folder / "addon"
        data.mkdir()
        (data / "options.json").write_text(json.dumps(load(ADD_ON / "config.yaml")["options"]))
        done = subprocess.run(self.argv(f"SYNCHUB_DATA={data} {ADD_ON}/run"), env=self.variables(), capture_output=True,
                              text=True, timeout=120)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("SYNC_api_token", done.stderr)


if __name__ == "__main__":
    unittest.main()
