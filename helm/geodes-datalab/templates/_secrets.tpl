{{- /*
Secrets: which keys there are, where they come from, and how a pod sees them.

A key becomes the file /etc/geodes-datalab/secrets/<key> in the pods that need it, and in no other.
*/ -}}

{{- /*
Keys that the settings ask for, as a YAML map key -> how it is made: hex, password, admin-password or
"" (given by the operator only). Input: the root context.
*/ -}}
{{- define "datalab.secrets.keys" -}}
hub.cookie-secret: hex
hub.crypt-keys: hex
proxy.token: hex
monitoring.token: hex
{{- if .Values.gateway.enabled }}
gateway.token: hex
gateway.proxy-token: hex
{{- end }}
{{- if .Values.hpda.enabled }}
hpda.token: hex
{{- end }}
{{- if .Values.homes.view.enabled }}
homes.token: hex
{{- end }}
{{- if .Values.cull.enabled }}
cull.token: hex
{{- end }}
{{- if .Values.tests.enabled }}
check.token: hex
{{- end }}
{{- if eq .Values.auth.type "shared-password" }}
auth.password: password
{{- if .Values.auth.admins }}
auth.admin-password: admin-password
{{- end }}
{{- end }}
{{- if eq .Values.auth.type "oidc" }}
oauth.client-secret: ""
{{- end }}
{{- if has .Values.hub.db.type (list "postgres" "other") }}
hub.db-url: ""
{{- end }}
{{- if eq .Values.geodes.credentials.mode "site" }}
geodes.api-key: ""
{{- end }}
{{- range include "datalab.way-out.keys" . | fromYamlArray }}
{{ . }}: ""
{{- end }}
{{- end -}}

{{- /* Name of the Secret that holds a key: (list . "proxy.token"). */ -}}
{{- define "datalab.secrets.home" -}}
{{- $root := index . 0 -}}{{- $from := get $root.Values.secrets.from (index . 1) -}}
{{- if and $from (not $root.Values.existingSecret) }}{{ $from.name }}
{{- else }}{{ include "datalab.names.secrets" $root }}{{ end -}}
{{- end -}}

{{- /* Its key there: (list . "proxy.token"). */ -}}
{{- define "datalab.secrets.key-there" -}}
{{- $root := index . 0 -}}{{- $from := get $root.Values.secrets.from (index . 1) -}}
{{- if and $from (not $root.Values.existingSecret) }}{{ $from.key }}{{ else }}{{ index . 1 }}{{ end -}}
{{- end -}}

{{- /* Reference for the settings: (list . "proxy.token") -> {"file": "/etc/..."}. */ -}}
{{- define "datalab.secrets.file" -}}
{{- dict "file" (printf "/etc/geodes-datalab/secrets/%s" (index . 1)) | toJson -}}
{{- end -}}

{{- /* Reference for an environment variable: (list . "proxy.token"). */ -}}
{{- define "datalab.secrets.reference" -}}
secretKeyRef:
  name: {{ include "datalab.secrets.home" . | toJson }}
  key: {{ include "datalab.secrets.key-there" . | toJson }}
{{- end -}}

{{- /*
Volume "secrets" with some keys, those that do not exist here left out:
(list . (list "hub.cookie-secret" "proxy.token")).
*/ -}}
{{- define "datalab.secrets.volume" -}}
{{- $root := index . 0 -}}
{{- $known := include "datalab.secrets.keys" $root | fromYaml -}}
{{- $homes := dict -}}
{{- range index . 1 -}}
{{- if hasKey $known . -}}
{{- $home := include "datalab.secrets.home" (list $root .) -}}
{{- $item := dict "key" (include "datalab.secrets.key-there" (list $root .)) "path" . -}}
{{- $_ := set $homes $home (append (get $homes $home | default list) $item) -}}
{{- end -}}
{{- end -}}
name: secrets
projected:
  defaultMode: 0440
  sources:
    {{- range $name, $items := $homes }}
    - secret:
        name: {{ toJson $name }}
        items: {{- toYaml $items | nindent 10 }}
    {{- end }}
{{- end -}}

{{- /*
What the operator gives for a key: (list . "proxy.token"). A web proxy's address with a password in it is
given as one of the values, and kept in the Secret for all that.
*/ -}}
{{- define "datalab.secrets.given" -}}
{{- $root := index . 0 -}}{{- $key := index . 1 -}}
{{- $address := "" -}}
{{- if and (hasPrefix "site." $key) (hasSuffix "-proxy" $key) -}}
{{- $address = get $root.Values.global.proxy ($key | trimPrefix "site." | trimSuffix "-proxy") -}}
{{- end -}}
{{- get $root.Values.secrets.values $key | default $address -}}
{{- end -}}

{{- /*
Short mark of what the operator said about some keys, for an annotation: a changed given value
restarts the pods that read it, and no generated one ever does. Four digits, so that the annotation
cannot be used to guess a password. Input: as above.
*/ -}}
{{- define "datalab.secrets.mark" -}}
{{- $root := index . 0 -}}
{{- $said := list (include "datalab.names.secrets" $root) -}}
{{- range index . 1 -}}
{{- $said = append $said (include "datalab.secrets.given" (list $root .)) -}}
{{- $said = append $said (get $root.Values.secrets.from . | default dict | toJson) -}}
{{- end -}}
{{- $said | toJson | sha256sum | trunc 4 -}}
{{- end -}}

{{- /*
"yes" where the template engine can see the cluster (helm install, helm upgrade), else empty (helm
template, GitOps tools). It looks for what every cluster has: asking for the API's versions alone
would be no proof, as some tools pass them on.
*/ -}}
{{- define "datalab.secrets.online" -}}
{{- if or (lookup "v1" "ServiceAccount" .Release.Namespace "default") (lookup "v1" "Namespace" "" "kube-system") -}}yes{{- end -}}
{{- end -}}

{{- /* A new value: "hex", "password" or "admin-password". */ -}}
{{- define "datalab.secrets.new" -}}
{{- if eq . "hex" }}{{ randAlphaNum 64 | sha256sum }}
{{- else if eq . "password" }}{{ randAlphaNum 20 }}
{{- else }}{{ randAlphaNum 40 }}{{ end -}}
{{- end -}}

{{- /*
Content of the chart's Secret, as a YAML map key -> base64: what was given, else what is there, else
something new. Input: the root context.
*/ -}}
{{- define "datalab.secrets.data" -}}
{{- $root := . -}}
{{- $name := include "datalab.names.secrets" . -}}
{{- $data := dict -}}
{{- $there := dict -}}
{{- if eq .Values.secrets.generate "lookup" -}}
{{- $object := lookup "v1" "Secret" .Release.Namespace $name | default dict -}}
{{- $there = $object.data | default dict -}}
{{- $owner := dig "metadata" "annotations" "meta.helm.sh/release-name" "" $object -}}
{{- if and $object (ne $owner .Release.Name) -}}
{{- fail (printf "the Secret %q exists but is not this release's: set existingSecret to its name, or fullnameOverride to another one" $name) -}}
{{- end -}}
{{- end -}}
{{- $wanted := include "datalab.secrets.keys" . | fromYaml -}}
{{- $generated := include "datalab.secrets.generated" . | fromYaml -}}
{{- range $key, $value := $there -}}
{{- if hasKey $generated $key -}}{{- $_ := set $data $key $value -}}{{- end -}}
{{- end -}}
{{- if and (eq .Values.secrets.generate "lookup") (include "datalab.secrets.online" .) -}}
{{- $wanted = merge $wanted $generated -}}
{{- end -}}
{{- range $key, $kind := $wanted -}}
{{- if not (hasKey $root.Values.secrets.from $key) -}}
{{- $given := include "datalab.secrets.given" (list $root $key) -}}
{{- if $given -}}
{{- $_ := set $data $key (b64enc $given) -}}
{{- else if and $kind (eq $root.Values.secrets.generate "lookup") (not (hasKey $data $key)) -}}
{{- if not (include "datalab.secrets.online" $root) -}}
{{- include "datalab.secrets.refuse" $root -}}
{{- end -}}
{{- $_ := set $data $key (include "datalab.secrets.new" $kind | b64enc) -}}
{{- else if not (hasKey $data $key) -}}
{{- fail (printf "the secret %q is missing: give secrets.values or secrets.from %q, or name a Secret of yours in existingSecret" $key $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $data -}}
{{- end -}}

{{- /*
Everything that can be generated, as a YAML map key -> kind. All of it is, wherever something is: so
that no upgrade or rollback that switches a feature changes a value.
*/ -}}
{{- define "datalab.secrets.generated" -}}
{{- range list "hub.cookie-secret" "hub.crypt-keys" "proxy.token" "gateway.token" "gateway.proxy-token" "hpda.token" "homes.token" "cull.token" "monitoring.token" "check.token" }}
{{ . }}: hex
{{- end }}
auth.password: password
auth.admin-password: admin-password
{{- end -}}

{{- /* Refuses to invent secrets where they could not be found again, and says what to do. */ -}}
{{- define "datalab.secrets.refuse" -}}
{{- $name := include "datalab.names.secrets" . -}}
{{- $lines := list -}}
{{- range $key, $kind := include "datalab.secrets.keys" . | fromYaml -}}
{{- if not (hasKey $.Values.secrets.from $key) -}}
{{- $command := "openssl rand -hex 32 | tr -d '\\n'" -}}
{{- if not $kind -}}{{- $command = printf "printf %%s \"$%s\"" ($key | upper | replace "." "_" | replace "-" "_") -}}
{{- else if eq $kind "password" -}}{{- $command = "openssl rand -hex 10 | tr -d '\\n'" -}}{{- end -}}
{{- $lines = append $lines (printf "    --from-file=%s=<(%s)" $key $command) -}}
{{- end -}}
{{- end -}}
{{- fail (printf "secrets.generate=lookup needs a tool that talks to the cluster while it renders (helm install, helm upgrade): here every rendering would invent other secrets. Either let a job make them once, with secrets.generate=job, or make the Secret yourself, in bash:\n\n  kubectl create secret generic %s --namespace %s \\\n%s\n\nand set existingSecret=%s" $name .Release.Namespace (join " \\\n" $lines) $name) -}}
{{- end -}}

{{- /* Keys that the job makes, as a YAML map key -> kind. Input: the root context. */ -}}
{{- define "datalab.secrets.job-keys" -}}
{{- if .Values.secrets.values -}}
{{- fail "secrets.generate=job and secrets.values exclude each other: the job sees no values. Put them into a Secret of yours and name it in secrets.from" -}}
{{- end -}}
{{- $found := dict -}}
{{- $wanted := include "datalab.secrets.keys" . | fromYaml -}}
{{- range $key, $kind := merge $wanted (include "datalab.secrets.generated" . | fromYaml) -}}
{{- if not (hasKey $.Values.secrets.from $key) -}}
{{- if not $kind -}}
{{- fail (printf "the secret %q cannot be generated: name the Secret that holds it in secrets.from, as %s: {name: ..., key: ...}" $key $key) -}}
{{- end -}}
{{- $_ := set $found $key $kind -}}
{{- end -}}
{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- /* "yes" where a job makes the Secret, else empty. */ -}}
{{- define "datalab.secrets.by-job" -}}
{{- if and (not .Values.existingSecret) (eq .Values.secrets.generate "job") -}}yes{{- end -}}
{{- end -}}
