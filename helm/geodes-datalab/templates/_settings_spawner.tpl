{{- /* Settings of user servers (section `spawner`). Input: the root context, unless said otherwise. */ -}}

{{- define "datalab.settings.spawner" -}}
{{- $user := .Values.singleuser -}}
kind: kubernetes
start_timeout: {{ $user.startTimeout }}
http_timeout: {{ $user.httpTimeout }}
environment: {{ merge (dict) (include "datalab.settings.plain-env" $user.extraEnv | fromYaml) (include "datalab.settings.environment" . | fromYaml) | toJson }}
kubernetes: {{- include "datalab.settings.spawner.kubernetes" . | nindent 2 }}
{{- end -}}

{{- define "datalab.settings.spawner.kubernetes" -}}
{{- $user := .Values.singleuser -}}
{{- $pods := .Values.scheduling.userPods -}}
namespace: {{ toJson .Release.Namespace }}
image: {{ include "datalab.names.notebook-image" . | toJson }}
image_pull_policy: {{ $user.image.pullPolicy }}
image_pull_secrets: {{ toJson .Values.global.imagePullSecrets }}
allowed_images: {{ values $user.allowedImages | sortAlpha | toJson }}
other_image: {{ toJson $user.otherImage }}
uid: {{ $user.uid }}
gid: {{ $user.gid }}
fs_gid: {{ $user.fsGid }}
{{ include "datalab.settings.overrides" (dict "root" . "from" (pick $user "cpu" "memory")) }}
gpu_resource: {{ toJson $user.gpuResource }}
node_selector: {{ merge (dict) $user.nodeSelector $pods.nodeSelector | toJson }}
tolerations: {{ concat $pods.tolerations $user.extraTolerations | default list | toJson }}
priority_class: {{ $user.priorityClassName | default $pods.priorityClassName | toJson }}
labels: {{ merge (dict) (include "datalab.settings.labels" (list . "user") | fromJson) $user.extraLabels | toJson }}
annotations: {{ toJson $user.extraAnnotations }}
service_account: {{ include "datalab.names.account" (list . "user" $user) | toJson }}
pod_name: {{ include "datalab.names.user-pod" . | toJson }}
home: {{- include "datalab.settings.home" . | nindent 2 }}
shared:
  {{- range $name, $shared := $user.sharedData }}
  {{ toJson $name }}:
    claim: {{ toJson $shared.pvcName }}
    path: {{ toJson $shared.mountPath }}
    subpath: {{ $shared.subPath | default "" | toJson }}
    read_only: {{ dig "readOnly" true $shared }}
    writers: {{ $shared.writers | default list | toJson }}
    admins_write: {{ $shared.adminsWrite | default false }}
    dask: {{ dig "dask" true $shared }}
  {{- else }} {}
  {{- end }}
volumes: {{ include "datalab.settings.user-volumes" . | fromYaml | toJson }}
volume_mounts: {{ include "datalab.settings.user-mounts" . | fromYaml | toJson }}
containers: {{ toJson $user.extraContainers }}
init_containers: {{ toJson $user.initContainers }}
pod_config: {{ toJson $user.extraPodConfig }}
environment_from_secrets: {{- include "datalab.settings.secret-env" . | nindent 2 }}
profiles:
  {{- range $name, $profile := $user.profiles }}
  {{ toJson $name }}:
    {{- include "datalab.settings.profile" (list $ $name $profile) | nindent 4 }}
  {{- else }} {}
  {{- end }}
{{- end -}}

{{- define "datalab.settings.home" -}}
{{- $storage := .Values.singleuser.storage -}}
{{- if eq $storage.type "dynamic" -}}
kind: dynamic
claim: {{ include "datalab.names.home" . | toJson }}
capacity: {{ toJson $storage.capacity }}
access_modes: {{ toJson $storage.dynamic.storageAccessModes }}
{{- with $storage.dynamic.storageClass }}
storage_class: {{ toJson . }}
{{- end }}
{{- else if eq $storage.type "static" -}}
kind: shared
claim: {{ toJson $storage.static.pvcName }}
subpath: {{ toJson $storage.static.subPath }}
{{- else -}}
kind: none
size_limit: {{ toJson $storage.none.sizeLimit }}
{{- end }}
{{- end -}}

{{- /* Items of extraEnv that are plain text, as a YAML map. */ -}}
{{- define "datalab.settings.plain-env" -}}
{{- range $name, $value := . }}
{{- if not (kindIs "map" $value) }}
{{ toJson $name }}: {{ include "datalab.pod.text" $value | toJson }}
{{- else if hasKey $value "value" }}
{{ toJson $name }}: {{ toJson $value.value }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Variables from Secrets: the operator's, the GEODES key, and a proxy with a password. */ -}}
{{- define "datalab.settings.secret-env" -}}
{{- $found := dict -}}
{{- range $name, $value := .Values.singleuser.extraEnv -}}
{{- if and (kindIs "map" $value) (not (hasKey $value "value")) -}}
{{- $from := dig "valueFrom" "secretKeyRef" dict $value -}}
{{- if not $from -}}
{{- fail (printf "singleuser.extraEnv.%s: user servers take a text, or valueFrom.secretKeyRef {name, key}" $name) -}}
{{- end -}}
{{- $_ := set $found $name (dict "secret" $from.name "key" $from.key "optional" ($from.optional | default false)) -}}
{{- end -}}
{{- end -}}
{{- $credentials := .Values.geodes.credentials -}}
{{- if eq $credentials.mode "site" -}}
{{- $place := list . "geodes.api-key" -}}
{{- $_ := set $found "GEODES_API_KEY" (dict "secret" (include "datalab.secrets.home" $place) "key" (include "datalab.secrets.key-there" $place)) -}}
{{- else if eq $credentials.mode "user" -}}
{{- $_ := set $found "GEODES_API_KEY" (dict "secret" $credentials.user.secretName "key" $credentials.user.key "optional" $credentials.user.optional) -}}
{{- end -}}
{{- toYaml (merge $found (include "datalab.way-out.places" (list . .Values.singleuser.extraEnv) | fromYaml)) -}}
{{- end -}}

{{- /* Volumes of user pods besides home, /tmp and shared data, as a YAML map. */ -}}
{{- define "datalab.settings.user-volumes" -}}
{{- with include "datalab.names.ca" . }}
ca:
  configMap:
    name: {{ toJson . }}
    items:
      - key: {{ toJson $.Values.global.caBundle.key }}
        path: ca.crt
{{- end }}
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
{{- with .Values.singleuser.storage.extraVolumes }}
{{ toYaml . }}
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
{{- range $name, $file := .Values.singleuser.extraFiles }}
{{ include "datalab.settings.file-mount" $name | toJson }}:
  name: files
  mountPath: {{ toJson $file.mountPath }}
  subPath: {{ toJson $name }}
  readOnly: true
{{- end }}
{{- with .Values.singleuser.storage.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /*
What a profile or a choice changes: (dict "root" . "from" <profile>). Only what is given is written.
*/ -}}
{{- define "datalab.settings.overrides" -}}
{{- $from := .from -}}
{{- $found := dict -}}
{{- range $theirs, $ours := dict "cpu.guarantee" "cpu_guarantee" "cpu.limit" "cpu_limit" "memory.guaranteeGiB" "memory_guarantee_gib" "memory.limitGiB" "memory_limit_gib" "memory.sharedGiB" "shared_memory_gib" -}}
{{- $path := splitList "." $theirs -}}
{{- $group := get $from (first $path) | default dict -}}
{{- if hasKey $group (last $path) -}}{{- $_ := set $found $ours (get $group (last $path)) -}}{{- end -}}
{{- end -}}
{{- range $theirs, $ours := dict "gpu" "gpu" "nodeSelector" "node_selector" "tolerations" "tolerations" -}}
{{- if hasKey $from $theirs -}}{{- $_ := set $found $ours (get $from $theirs) -}}{{- end -}}
{{- end -}}
{{- with $from.extraEnv -}}{{- $_ := set $found "environment" (include "datalab.settings.plain-env" . | fromYaml) -}}{{- end -}}
{{- with $from.image -}}{{- $_ := set $found "image" (include "datalab.settings.image" (list $.root .)) -}}{{- end -}}
{{- toYaml $found -}}
{{- end -}}

{{- /* Image of a profile: a complete reference, or {name, tag, digest}: (list . "..."). */ -}}
{{- define "datalab.settings.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- if kindIs "map" $image }}{{ include "datalab.names.image" (list $root $image) }}
{{- else }}{{ include "datalab.names.in-registry" (list $root $image) }}{{ end -}}
{{- end -}}

{{- /* Who sees something, and its name: a profile, an option or a choice. */ -}}
{{- define "datalab.settings.audience" -}}
display_name: {{ .displayName | default "" | toJson }}
groups: {{ .groups | default list | toJson }}
admins_only: {{ .adminsOnly | default false }}
{{- end -}}

{{- /* One profile: (list . "small" <profile>). */ -}}
{{- define "datalab.settings.profile" -}}
{{- $root := index . 0 -}}{{- $profile := index . 2 -}}
{{ include "datalab.settings.audience" $profile }}
description: {{ $profile.description | default "" | toJson }}
default: {{ $profile.default | default false }}
{{- with include "datalab.settings.overrides" (dict "root" $root "from" $profile) | fromYaml }}
{{ toYaml . }}
{{- end }}
options:
  {{- range $name, $option := $profile.options }}
  {{ toJson $name }}:
    {{- include "datalab.settings.audience" $option | nindent 4 }}
    choices:
      {{- range $key, $choice := $option.choices }}
      {{ toJson $key }}:
        {{- include "datalab.settings.audience" $choice | nindent 8 }}
        default: {{ $choice.default | default false }}
        {{- with include "datalab.settings.overrides" (dict "root" $root "from" $choice) | fromYaml }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
  {{- else }} {}
  {{- end }}
{{- end -}}
