# SPDX-License-Identifier: Apache-2.0
"""What one can choose in an overlay of k8s/, and the values of the chart that do."""

import dataclasses
import itertools


@dataclasses.dataclass(frozen=True)
class Axis:
    """A choice among `options`, the first of which is the default; `components` are those that an option takes,
    `when` the template's condition for one option, `secrets` lines that the component's comment asks for."""
    name: str
    options: dict
    when: dict
    only: str = ""  # the mode that offers it
    secrets: tuple = ()

    def condition(self, chosen):
        """The template's condition for a set of options."""
        if len(chosen) == 1:
            return self.when[next(iter(chosen))]
        rest = [option for option in self.options if option not in chosen]
        if len(rest) == 1:
            return negated(self.when[rest[0]])
        return "or " + " ".join(f"({self.when[option]})" for option in self.options if option in chosen)

    @staticmethod
    def key(choice):
        return tuple(choice[axis.name] for axis in AXES)

    @staticmethod
    def components(choice):
        return [component for axis in AXES for component in axis.options[choice[axis.name]]]

    @staticmethod
    def secrets_of(choice):
        return [line for axis in AXES for option, line in axis.secrets if choice[axis.name] == option]


def negated(condition):
    if condition.startswith("eq "):
        return "ne " + condition[3:]
    if condition.startswith("ne "):
        return "eq " + condition[3:]
    if condition.startswith("not ("):
        return condition[5:-1]
    if condition.startswith("not "):
        return condition[4:]
    return f"not {condition}" if " " not in condition else f"not ({condition})"


def switch(name, value, component, only=""):
    return Axis(name, {"off": [], "on": [component]}, {"off": f"not .Values.{value}", "on": f".Values.{value}"}, only)


def choose(name, value, options, **more):
    return Axis(name, options, {option: f'eq .Values.{value} "{option}"' for option in options}, **more)


AXES = [
    choose("mode", "mode", {"single": [], "scaled": []}),
    choose("redis", "redis.mode", {"standalone": [], "sentinel": ["redis-ha"], "external": ["external-redis"]},
           secrets=(("external", ("redis.env", "SYNC_redis_url=zzredis")),)),
    Axis("postgresql", {"own": [], "external": ["external-postgresql"]},
         {"own": "not .Values.postgresql.external", "external": ".Values.postgresql.external"}, "scaled",
         (("external", ("postgresql.env", "SYNC_db=zzpostgresql")),)),
    choose("puller", "puller.mode", {"none": [], "deployment": ["puller"], "cronjob": ["puller-cronjob"]}),
    Axis("console", {"off": [], "on": ["console"], "published": ["console", "console-ingress"]},
         {"off": "not .Values.console.enabled", "on": "and .Values.console.enabled (not .Values.console.ingress.enabled)",
          "published": ".Values.console.ingress.enabled"}),
    switch("tls", "tls.enabled", "tls"),
    switch("backup", "postgresql.backup.enabled", "backup-postgresql", "scaled"),
    switch("monitoring", "monitoring.enabled", "monitoring"),
    switch("gateway", "gateway.enabled", "gateway"),
    switch("ingress", "ingress.enabled", "ingress-traefik"),
    switch("certificate", "certManager.enabled", "cert-manager"),
    switch("pull-secret", "images.pullSecret", "image-pull-secret"),
    switch("priority", "priorityClasses.enabled", "priority"),
    switch("openshift", "openshift.enabled", "openshift"),
]
BY_NAME = {axis.name: axis for axis in AXES}


def valid(choice):
    """The choice without what its mode, or an external server, does not have."""
    chosen = {axis.name: next(iter(axis.options)) if axis.only not in ("", choice["mode"]) else choice[axis.name]
              for axis in AXES}
    if chosen["postgresql"] == "external":
        chosen["backup"] = "off"
    return chosen


def defaults():
    """Everything off, for each mode."""
    for mode in BY_NAME["mode"].options:
        yield valid({axis.name: next(iter(axis.options)) for axis in AXES} | {"mode": mode})


def everything():
    """Everything on, for each mode, with the hub's own servers."""
    for mode in BY_NAME["mode"].options:
        yield valid({axis.name: list(axis.options)[-1] for axis in AXES} |
                    {"mode": mode, "redis": "standalone", "postgresql": "own", "puller": "deployment"})


def changes(base, axis):
    for option in axis.options:
        if option != base[axis.name]:
            yield valid(base | {axis.name: option})


def singles():
    """(base, axis, choice): the defaults, and everything, with one axis changed."""
    for base in [*defaults(), *everything()]:
        for axis in AXES[1:]:
            yield base, axis.name, base
            for choice in changes(base, axis):
                yield base, axis.name, choice


def pairs():
    """(axis, other axis, choice): the defaults with two axes changed."""
    for base in defaults():
        for one, other in itertools.combinations(AXES[1:], 2):
            for first in changes(base, one):
                for choice in changes(first, other):
                    yield one.name, other.name, choice
