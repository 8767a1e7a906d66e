{{- /*
The one place that turns values into settings: settings.json, as geodes_datalab.settings describes
it. Each helper writes one section as YAML, with every text as JSON, so that no text is misread.
Input of all: the root context, unless said otherwise.
*/ -}}

{{- define "datalab.settings" -}}
{{- $settings := include "datalab.settings.all" . | fromYaml -}}
{{- if hasKey $settings "Error" -}}{{- fail (printf "the settings are no YAML: %s" $settings.Error) -}}{{- end -}}
{{- toPrettyJson $settings -}}
{{- end -}}

{{- define "datalab.settings.all" -}}
hub: {{- include "datalab.settings.hub" . | nindent 2 }}
proxy:
  api_url: http://{{ include "datalab.names.address" (list . "proxy-api" 8001) }}
  token: {{ include "datalab.secrets.file" (list . "proxy.token") }}
authenticator: {{- include "datalab.settings.authenticator" . | nindent 2 }}
spawner: {{- include "datalab.settings.spawner" . | nindent 2 }}
singleuser:
  language: {{ .Values.singleuser.language }}
  {{- with .Values.singleuser.defaultUrl }}
  default_url: {{ toJson . }}
  {{- end }}
gateway: {{- include "datalab.settings.gateway" . | nindent 2 }}
{{- if .Values.hpda.enabled }}
hpda:
  enabled: true
  token: {{ include "datalab.secrets.file" (list . "hpda.token") }}
  address: {{ toJson .Values.hpda.address }}
  scheduler_address: {{ toJson .Values.hpda.schedulerAddress }}
{{- end }}
homes: {{- include "datalab.settings.homes" . | nindent 2 }}
cull: {{- include "datalab.settings.cull" . | nindent 2 }}
{{- if .Values.tests.enabled }}
check:
  user: {{ toJson .Values.tests.user }}
  token: {{ include "datalab.secrets.file" (list . "check.token") }}
{{- end }}
{{- end -}}

{{- define "datalab.settings.hub" -}}
{{- $hub := .Values.hub -}}
public_url: {{ printf "%s%s" (include "datalab.names.public-url" .) (include "datalab.names.base-slash" .) | toJson }}
bind_url: http://0.0.0.0:8081
connect_url: http://{{ include "datalab.names.address" (list . "hub" 8081) }}
{{- if eq $hub.db.type "sqlite-pvc" }}
db_url: sqlite:////srv/jupyterhub/jupyterhub.sqlite
{{- else if eq $hub.db.type "sqlite-memory" }}
db_url: "sqlite:///:memory:"
{{- else }}
db_url_secret: {{ include "datalab.secrets.file" (list . "hub.db-url") }}
{{- end }}
upgrade_db: {{ $hub.db.upgrade }}
cookie_secret: {{ include "datalab.secrets.file" (list . "hub.cookie-secret") }}
crypt_keys: {{ include "datalab.secrets.file" (list . "hub.crypt-keys") }}
monitoring_token: {{ include "datalab.secrets.file" (list . "monitoring.token") }}
allow_named_servers: {{ $hub.allowNamedServers }}
named_server_limit: {{ $hub.namedServerLimitPerUser }}
active_server_limit: {{ $hub.activeServerLimit }}
concurrent_spawns: {{ $hub.concurrentSpawnLimit }}
last_activity_interval: {{ $hub.lastActivityInterval }}
announcement: {{ toJson $hub.announcement }}
template_paths: {{ toJson $hub.templatePaths }}
template_vars: {{ toJson $hub.templateVars }}
services: {{ toJson $hub.services }}
roles: {{ toJson $hub.loadRoles }}
config: {{ toJson $hub.config }}
{{- if $hub.extraConfig }}
extra_config: /etc/geodes-datalab/config/extra
{{- end }}
{{- end -}}

{{- define "datalab.settings.authenticator" -}}
{{- $auth := .Values.auth -}}
kind: {{ toJson $auth.type }}
admins: {{ toJson $auth.admins }}
users: {{ toJson $auth.users }}
allow_all: {{ $auth.allowAll }}
name_pattern: {{ toJson $auth.usernamePattern }}
{{- if eq $auth.type "shared-password" }}
password: {{ include "datalab.secrets.file" (list . "auth.password") }}
{{- if $auth.admins }}
admin_password: {{ include "datalab.secrets.file" (list . "auth.admin-password") }}
{{- end }}
{{- else if eq $auth.type "oidc" }}
oidc:
  authorize_url: {{ toJson $auth.oidc.authorizeUrl }}
  token_url: {{ toJson $auth.oidc.tokenUrl }}
  userdata_url: {{ toJson $auth.oidc.userdataUrl }}
  client_id: {{ toJson $auth.oidc.clientId }}
  client_secret: {{ include "datalab.secrets.file" (list . "oauth.client-secret") }}
  callback_url: {{ toJson $auth.oidc.callbackUrl }}
  scopes: {{ toJson $auth.oidc.scopes }}
  username_claim: {{ toJson $auth.oidc.usernameClaim }}
  groups_claim: {{ toJson $auth.oidc.groupsClaim }}
  allowed_groups: {{ toJson $auth.oidc.allowedGroups }}
  admin_groups: {{ toJson $auth.oidc.adminGroups }}
  login_service: {{ toJson $auth.oidc.loginService }}
{{- end }}
{{- end -}}

{{- define "datalab.settings.cull" -}}
enabled: {{ .Values.cull.enabled }}
minutes: {{ divf .Values.cull.timeout 60 }}
every_minutes: {{ divf .Values.cull.every 60 }}
max_age_hours: {{ divf .Values.cull.maxAge 3600 }}
busy_hours: {{ divf .Values.cull.busyMaxAge 3600 }}
{{- if .Values.cull.enabled }}
token: {{ include "datalab.secrets.file" (list . "cull.token") }}
{{- end }}
{{- end -}}

{{- /* Where the catalogue is, for user servers and Dask's pods, as a YAML map. */ -}}
{{- define "datalab.settings.catalogue" -}}
{{- with .Values.geodes.portal }}
GEODES_PORTAL: {{ toJson . }}
{{- end }}
{{- with .Values.geodes.stacUrl }}
GEODES_STAC_URL: {{ toJson . }}
{{- end }}
{{- with .Values.geodes.dialect }}
GEODES_DIALECT: {{ toJson . }}
{{- end }}
{{- with .Values.geodes.notice }}
GEODES_CATALOGUE_NOTICE: {{ toJson . }}
{{- end }}
{{- end -}}

{{- /* Environment of user servers and Dask's pods alike, as a YAML map. */ -}}
{{- define "datalab.settings.environment" -}}
{{ include "datalab.settings.catalogue" . }}
{{ include "datalab.pod.site" . }}
{{- end -}}

{{- /* Labels of pods that hub and gateway make: (list . "user"), or (list . "") without a component. */ -}}
{{- define "datalab.settings.labels" -}}
{{- $root := index . 0 -}}
{{- $labels := include "datalab.labels.release" $root | fromYaml -}}
{{- with index . 1 -}}{{- $_ := set $labels "app.kubernetes.io/component" . -}}{{- end -}}
{{- merge (dict) $labels $root.Values.global.labels | toJson -}}
{{- end -}}
