{{- /* SPDX-License-Identifier: Apache-2.0 */ -}}

{{- /* What the names of all objects begin with: 40 characters, so that no name exceeds what Kubernetes allows. */ -}}
{{- define "synchub.fullname" -}}
{{- $name := ternary .Release.Name (printf "%s-synchub" .Release.Name) (contains "synchub" .Release.Name) -}}
{{- .Values.fullnameOverride | default $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- /* Labels of each object in addition to those of the manifests; none is part of a selector or a volume claim. */ -}}
{{- define "synchub.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "synchub.secretName" -}}
{{- .Values.existingSecret | default (printf "%s-secret" (include "synchub.fullname" .)) -}}
{{- end -}}

{{- define "synchub.redisSecretName" -}}
{{- .Values.redis.existingSecret | default (printf "%s-redis-secret" (include "synchub.fullname" .)) -}}
{{- end -}}

{{- define "synchub.postgresqlSecretName" -}}
{{- .Values.postgresql.existingSecret | default (printf "%s-postgresql-secret" (include "synchub.fullname" .)) -}}
{{- end -}}

{{- define "synchub.tlsSecretName" -}}
{{- .Values.tlsSecret | default (printf "%s-tls" (include "synchub.fullname" .)) -}}
{{- end -}}

{{- define "synchub.consoleTlsSecretName" -}}
{{- .Values.console.ingress.tlsSecret | default (printf "%s-console-tls" (include "synchub.fullname" .)) -}}
{{- end -}}

{{- /* Arguments: the root, the name of the image in the values. */ -}}
{{- define "synchub.image" -}}
{{- $root := index . 0 -}}
{{- $image := index $root.Values.images (index . 1) -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository ($image.tag | default $root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* A setting that the manifests have. Arguments: the root, its name, the manifests' value. */ -}}
{{- define "synchub.setting" -}}
{{- $settings := (index . 0).Values.settings -}}
{{- ternary (get $settings (index . 1)) (index . 2) (hasKey $settings (index . 1)) | quote -}}
{{- end -}}

{{- /* The settings that the manifests do not have. Arguments: the root, the manifests' names. */ -}}
{{- define "synchub.otherSettings" -}}
{{- $known := index . 1 -}}
{{- range $name, $value := (index . 0).Values.settings -}}
{{- if not (has $name $known) }}
{{ $name }}: {{ $value | quote }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- /* Changes with the data of a ConfigMap or Secret, and restarts the pods that have it as an annotation: those that use it.
   Arguments: the root, the template of the object. */ -}}
{{- define "synchub.checksum" -}}
{{- $root := index . 0 -}}
{{- $object := include (printf "%s/%s" $root.Template.BasePath (index . 1)) $root | fromYaml -}}
{{- get $object "data" | toJson | sha256sum -}}
{{- end -}}

{{- /* Refuses values that would make a hub that cannot work, with the remedy. */ -}}
{{- define "synchub.check" -}}
{{- $v := .Values -}}
{{- if not $v.existingSecret -}}
{{- if not $v.apiToken -}}{{- fail "apiToken is empty: set it to the output of `openssl rand -hex 32`, or name a Secret as existingSecret" -}}{{- end -}}
{{- if not $v.encryptionKey -}}{{- fail "encryptionKey is empty: set it to the output of `openssl rand -hex 32`, or name a Secret as existingSecret" -}}{{- end -}}
{{- end -}}
{{- if not $v.redis.existingSecret -}}
{{- if eq $v.redis.mode "external" -}}
{{- if not $v.redis.url -}}{{- fail "redis.url is empty: redis.mode external needs it, or a Secret as redis.existingSecret" -}}{{- end -}}
{{- else if not $v.redis.password -}}
{{- fail "redis.password is empty: set it to the output of `openssl rand -hex 32`, or name a Secret as redis.existingSecret" -}}
{{- end -}}
{{- end -}}
{{- if eq $v.mode "scaled" -}}
{{- if and (eq $v.redis.mode "external") (not $v.redis.address) -}}{{- fail "redis.address is empty: KEDA needs host:port of the external Redis" -}}{{- end -}}
{{- if not $v.postgresql.existingSecret -}}
{{- if $v.postgresql.external -}}
{{- if not $v.postgresql.url -}}{{- fail "postgresql.url is empty: postgresql.external needs it, or a Secret as postgresql.existingSecret" -}}{{- end -}}
{{- else if not $v.postgresql.password -}}
{{- fail "postgresql.password is empty: set it to the output of `openssl rand -hex 32`, or name a Secret as postgresql.existingSecret" -}}
{{- end -}}
{{- end -}}
{{- if and $v.postgresql.backup.enabled $v.postgresql.external -}}{{- fail "postgresql.backup.enabled is for the chart's PostgreSQL, not for an external one" -}}{{- end -}}
{{- else -}}
{{- if $v.postgresql.external -}}{{- fail "postgresql.external needs mode scaled: with mode single the database is SQLite" -}}{{- end -}}
{{- if $v.postgresql.backup.enabled -}}{{- fail "postgresql.backup.enabled needs mode scaled: with mode single run `synchub-receiver backup`" -}}{{- end -}}
{{- end -}}
{{- if and (or $v.gateway.enabled $v.ingress.enabled $v.certManager.enabled) (not $v.host) -}}{{- fail "host is empty: gateway, ingress and certManager need the name by which nodes reach the hub" -}}{{- end -}}
{{- if and $v.gateway.enabled (not $v.gateway.className) -}}{{- fail "gateway.className is empty: set it to a GatewayClass of the cluster" -}}{{- end -}}
{{- if $v.console.ingress.enabled -}}
{{- if not $v.console.enabled -}}{{- fail "console.ingress.enabled needs console.enabled" -}}{{- end -}}
{{- if not $v.console.ingress.host -}}{{- fail "console.ingress.host is empty: set it to the console's name" -}}{{- end -}}
{{- end -}}
{{- end -}}
