{{- /*
Settings of hub, gateway and culler, as geodes_datalab/settings describes them: the values, handed over as
they are, and what only the chart knows, filled in: names, addresses, folders, and where secrets lie.
Which values these are stands in files/settings.json, made from the settings by `make chart`.
Input of all: the root context, unless said otherwise.
*/ -}}

{{- define "datalab.settings" -}}
{{- include "datalab.settings.all" . | fromJson | toPrettyJson -}}
{{- end -}}

{{- define "datalab.settings.all" -}}
{{- $tree := .Files.Get "files/settings.json" | fromJson -}}
{{- $kept := include "datalab.settings.kept" (list .Values $tree) | fromJson -}}
{{- $filled := include "datalab.settings.filled" . | fromYaml -}}
{{- if hasKey $filled "Error" -}}{{- fail (printf "the settings are no YAML: %s" $filled.Error) -}}{{- end -}}
{{- mergeOverwrite $kept $filled | toJson -}}
{{- end -}}

{{- /* Values that are settings, as JSON: (list <values> <their names, from settings.json>). */ -}}
{{- define "datalab.settings.kept" -}}
{{- $values := index . 0 -}}{{- $kept := dict -}}
{{- range $name, $below := index . 1 -}}
{{- $value := get $values $name -}}
{{- if and (kindIs "map" $below) (kindIs "map" $value) -}}
{{- $value = include "datalab.settings.kept" (list $value $below) | fromJson -}}
{{- end -}}
{{- if and (hasKey $values $name) (not (kindIs "invalid" $value)) -}}{{- $_ := set $kept $name $value -}}{{- end -}}
{{- end -}}
{{- toJson $kept -}}
{{- end -}}

{{- /* Some sections of the settings, for the mark that restarts a pod: (list . "gateway" "cull"). */ -}}
{{- define "datalab.settings.sections" -}}
{{- $all := include "datalab.settings.all" (first .) | fromJson -}}
{{- range rest . -}}{{- get $all . | toJson -}}{{- end -}}
{{- end -}}

{{- /* What the chart fills in, as YAML. */ -}}
{{- define "datalab.settings.filled" -}}
hub:
  publicUrl: {{ printf "%s%s" (include "datalab.names.public-url" .) (include "datalab.names.base-slash" .) | toJson }}
  bindUrl: http://0.0.0.0:8081
  connectUrl: http://{{ include "datalab.names.address" (list . "hub" 8081) }}
  db: {{- include "datalab.settings.db" . | nindent 4 }}
  cookieSecret: {{ include "datalab.secrets.file" (list . "hub.cookie-secret") }}
  cryptKeys: {{ include "datalab.secrets.file" (list . "hub.crypt-keys") }}
  monitoringToken: {{ include "datalab.secrets.file" (list . "monitoring.token") }}
  {{- if .Values.hub.extraConfig }}
  extraConfigFolder: /etc/geodes-datalab/config/extra
  {{- end }}
proxy:
  apiUrl: http://{{ include "datalab.names.address" (list . "proxy-api" 8001) }}
  token: {{ include "datalab.secrets.file" (list . "proxy.token") }}
auth: {{- include "datalab.settings.auth" . | nindent 2 }}
spawner:
  kind: kubernetes
singleuser: {{- include "datalab.settings.user" . | nindent 2 }}
{{- if .Values.gateway.enabled }}
gateway: {{- include "datalab.settings.gateway" . | nindent 2 }}
{{- end }}
{{- if .Values.hpda.enabled }}
hpda:
  token: {{ include "datalab.secrets.file" (list . "hpda.token") }}
{{- end }}
homes: {{- include "datalab.settings.homes" . | nindent 2 }}
{{- if .Values.cull.enabled }}
cull:
  token: {{ include "datalab.secrets.file" (list . "cull.token") }}
{{- end }}
{{- if .Values.tests.enabled }}
tests:
  token: {{ include "datalab.secrets.file" (list . "check.token") }}
{{- end }}
{{- end -}}

{{- define "datalab.settings.db" -}}
{{- if eq .Values.hub.db.type "sqlite-pvc" -}}
url: sqlite:////srv/jupyterhub/jupyterhub.sqlite
{{- else if eq .Values.hub.db.type "sqlite-memory" -}}
url: "sqlite:///:memory:"
{{- else -}}
urlSecret: {{ include "datalab.secrets.file" (list . "hub.db-url") }}
{{- end -}}
{{- end -}}

{{- define "datalab.settings.auth" -}}
{{- if eq .Values.auth.type "shared-password" -}}
password: {{ include "datalab.secrets.file" (list . "auth.password") }}
{{- if .Values.auth.admins }}
adminPassword: {{ include "datalab.secrets.file" (list . "auth.admin-password") }}
{{- end }}
{{- else if eq .Values.auth.type "oidc" -}}
oidc:
  clientSecret: {{ include "datalab.secrets.file" (list . "oauth.client-secret") }}
{{- else -}} {}
{{- end }}
{{- end -}}

{{- define "datalab.settings.homes" -}}
view:
  enabled: {{ .Values.homes.view.enabled }}
  {{- if .Values.homes.view.enabled }}
  token: {{ include "datalab.secrets.file" (list . "homes.token") }}
  url: http://{{ include "datalab.names.address" (list . "homes" 8000) }}
  {{- end }}
{{- if include "datalab.homes.enabled" . }}
folder: /homes
address: 0.0.0.0
{{- end }}
{{- end -}}

{{- /* What only the chart knows of users' servers. */ -}}
{{- define "datalab.settings.user" -}}
{{- $user := .Values.singleuser -}}
image: {{ dict "reference" (include "datalab.names.notebook-image" .) "pullPolicy" $user.image.pullPolicy | toJson }}
namespace: {{ toJson .Release.Namespace }}
podName: {{ include "datalab.names.user-pod" . | toJson }}
account: {{ include "datalab.names.account" (list . "user" $user) | toJson }}
labels: {{ include "datalab.settings.labels" (list . "user") }}
storage:
  dynamic:
    pvcNameTemplate: {{ include "datalab.names.home" . | toJson }}
environment: {{ include "datalab.pod.site" . | fromYaml | toJson }}
environmentFromSecrets: {{ include "datalab.settings.secrets" . }}
volumes: {{ include "datalab.settings.user-volumes" . | fromYaml | toJson }}
volumeMounts: {{ include "datalab.settings.user-mounts" . | fromYaml | toJson }}
{{- end -}}

{{- /* Where variables lie that are secrets: a proxy with a password, the site's key of GEODES. JSON. */ -}}
{{- define "datalab.settings.secrets" -}}
{{- $found := include "datalab.way-out.places" . | fromYaml -}}
{{- if eq .Values.geodes.credentials.mode "site" -}}
{{- $place := list . "geodes.api-key" -}}
{{- $_ := set $found "GEODES_API_KEY" (dict "name" (include "datalab.secrets.home" $place) "key" (include "datalab.secrets.key-there" $place)) -}}
{{- end -}}
{{- toJson $found -}}
{{- end -}}

{{- /* Volume and mounts of the site's authorities, as YAML maps. */ -}}
{{- define "datalab.settings.ca-volume" -}}
{{- with include "datalab.names.ca" . }}
ca:
  configMap:
    name: {{ toJson . }}
    items:
      - key: {{ toJson $.Values.global.caBundle.key }}
        path: ca.crt
{{- end }}
{{- end -}}

{{- define "datalab.settings.ca-mounts" -}}
{{- if include "datalab.names.ca" . }}
ca:
  mountPath: /etc/geodes-datalab/ca
  readOnly: true
system-ca: # programs without a variable (wget) read the system's file
  name: ca
  mountPath: /etc/ssl/certs/ca-certificates.crt
  subPath: ca.crt
  readOnly: true
{{- end }}
{{- end -}}

{{- define "datalab.settings.user-volumes" -}}
{{ include "datalab.settings.ca-volume" . }}
{{- with .Values.singleuser.extraFiles }}
files:
  secret:
    secretName: {{ include "datalab.names.files" (list $ "user") | toJson }}
    defaultMode: 0444
    items:
      {{- range $name, $file := . }}
      - key: {{ toJson $name }}
        path: {{ toJson $name }}
        {{- with $file.mode }}
        mode: {{ . }}
        {{- end }}
      {{- end }}
{{- end }}
{{- end -}}

{{- /* Name of the mount of a file: names that would become one are told apart. Input: the file's. */ -}}
{{- define "datalab.settings.file-mount" -}}
{{- if regexMatch "^[a-z0-9]([a-z0-9-]{0,34}[a-z0-9])?$" . -}}
file-{{ . }}
{{- else -}}
file-{{ . | lower | replace "." "-" | replace "_" "-" | trunc 26 }}-{{ sha256sum . | trunc 8 }}
{{- end -}}
{{- end -}}

{{- define "datalab.settings.user-mounts" -}}
{{ include "datalab.settings.ca-mounts" . }}
{{- range $name, $file := .Values.singleuser.extraFiles }}
{{ include "datalab.settings.file-mount" $name | toJson }}:
  name: files
  mountPath: {{ toJson $file.mountPath }}
  subPath: {{ toJson $name }}
  readOnly: true
{{- end }}
{{- end -}}

{{- /* What only the chart knows of Dask Gateway. */ -}}
{{- define "datalab.settings.gateway" -}}
{{- $backend := .Values.gateway.backend -}}
kind: kubernetes
token: {{ include "datalab.secrets.file" (list . "gateway.token") }}
proxyToken: {{ include "datalab.secrets.file" (list . "gateway.proxy-token") }}
apiAddress: 0.0.0.0:8000
proxyAddress: {{ include "datalab.names.address" (list . "gateway-proxy" 8000) }}
schedulerAddress: {{ include "datalab.names.address" (list . "gateway-proxy" 8786) }}
environment: {{ include "datalab.pod.site" . | fromYaml | toJson }}
{{- if .Values.gateway.extraConfig }}
extraConfigFolder: /etc/geodes-datalab/config/extra
{{- end }}
backend:
  namespace: {{ include "datalab.names.dask-namespace" . | toJson }}
  instance: {{ include "datalab.fullname" . | toJson }}
  apiUrl: http://{{ include "datalab.names.address" (list . "gateway-api" 8000) }}
  {{- if $backend.image.name }}
  image: {{ dict "reference" (include "datalab.names.image" (list . $backend.image)) "pullPolicy" $backend.image.pullPolicy | toJson }}
  {{- end }}
  labels: {{ include "datalab.settings.labels" (list . "") }}
  volumes: {{ include "datalab.settings.ca-volume" . | fromYaml | toJson }}
  volumeMounts: {{ include "datalab.settings.ca-mounts" . | fromYaml | toJson }}
  environmentFromSecrets: {{ include "datalab.way-out.places" . | fromYaml | toJson }}
{{- end -}}

{{- /* Labels of pods that hub and gateway make: (list . "user"), or (list . "") without a component. */ -}}
{{- define "datalab.settings.labels" -}}
{{- $root := index . 0 -}}
{{- $labels := include "datalab.labels.release" $root | fromYaml -}}
{{- with index . 1 -}}{{- $_ := set $labels "app.kubernetes.io/component" . -}}{{- end -}}
{{- merge (dict) $labels $root.Values.global.labels | toJson -}}
{{- end -}}
