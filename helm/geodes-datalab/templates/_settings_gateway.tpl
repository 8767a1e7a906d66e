{{- /* Settings of Dask Gateway (section `gateway`). Input: the root context, unless said otherwise. */ -}}

{{- define "datalab.settings.gateway" -}}
{{- $gateway := .Values.gateway -}}
enabled: {{ $gateway.enabled }}
{{- if $gateway.enabled }}
backend: kubernetes
token: {{ include "datalab.secrets.file" (list . "gateway.token") }}
proxy_token: {{ include "datalab.secrets.file" (list . "gateway.proxy-token") }}
api_address: 0.0.0.0:8000
proxy_address: {{ include "datalab.names.address" (list . "gateway-proxy" 8000) }}
scheduler_address: {{ include "datalab.names.address" (list . "gateway-proxy" 8786) }}
limits:
  clusters: {{ $gateway.limits.clusters }}
  workers: {{ $gateway.limits.workers }}
  cores: {{ $gateway.limits.cores }}
  memory_gib: {{ $gateway.limits.memoryGiB }}
idle_minutes: {{ $gateway.idleMinutes }}
reaper_seconds: {{ $gateway.reaperSeconds }}
environment: {{ merge (dict) $gateway.backend.environment (include "datalab.settings.environment" . | fromYaml) | toJson }}
environment_names: {{ toJson $gateway.backend.environmentNames }}
config: {{ toJson (ternary (mergeOverwrite (dict "Application" (dict "log_level" "DEBUG")) (deepCopy $gateway.config)) $gateway.config .Values.debug.enabled) }}
{{- if $gateway.extraConfig }}
extra_config: /etc/geodes-datalab/config/extra
{{- end }}
kubernetes: {{- include "datalab.settings.gateway.kubernetes" . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "datalab.settings.gateway.kubernetes" -}}
{{- $gateway := .Values.gateway -}}
{{- $backend := $gateway.backend -}}
namespace: {{ include "datalab.names.dask-namespace" . | toJson }}
instance: {{ include "datalab.fullname" . | toJson }}
api_url: http://{{ include "datalab.names.address" (list . "gateway-api" 8000) }}
image: {{ include "datalab.names.dask-image" . | toJson }}
image_pull_policy: {{ ternary $backend.image.pullPolicy .Values.singleuser.image.pullPolicy (not (empty $backend.image.name)) }}
image_pull_secrets: {{ toJson .Values.global.imagePullSecrets }}
allowed_images: {{ values .Values.singleuser.allowedImages | sortAlpha | toJson }}
uid: {{ .Values.singleuser.uid }}
gid: {{ .Values.singleuser.gid }}
fs_gid: {{ .Values.singleuser.fsGid }}
shared_memory_gib: {{ $backend.sharedMemoryGiB }}
labels: {{ include "datalab.settings.labels" (list . "") }}
sizes:
  {{- range $name, $size := $gateway.sizes }}
  {{ toJson $name }}:
    cores: {{ $size.cores }}
    {{- with $size.coresLimit }}
    cores_limit: {{ . }}
    {{- end }}
    memory_gib: {{ $size.memoryGiB }}
    threads: {{ $size.threads | default 1 }}
    default: {{ $size.default | default false }}
    node_selector: {{ $size.nodeSelector | default dict | toJson }}
    {{- with $size.tolerations }}
    tolerations: {{ toJson . }}
    {{- end }}
  {{- else }} {}
  {{- end }}
scheduler:
  cores: {{ $backend.scheduler.cores }}
  cores_limit: {{ $backend.scheduler.coresLimit }}
  memory_gib: {{ $backend.scheduler.memoryGiB }}
  {{- include "datalab.settings.gateway.pods" (list . $backend.scheduler) | nindent 2 }}
worker:
  {{- include "datalab.settings.gateway.pods" (list . $backend.worker) | nindent 2 }}
volumes: {{ include "datalab.settings.dask-volumes" . | fromYaml | toJson }}
volume_mounts: {{ include "datalab.settings.dask-mounts" . | fromYaml | toJson }}
{{- with include "datalab.way-out.places" (list . $backend.environment) | fromYaml }}
environment_from_secrets: {{ toJson . }}
{{- end }}
cluster_max_workers: {{ $gateway.clusterMaxWorkers }}
completed_max_age_seconds: {{ $gateway.completedMaxAgeSeconds }}
{{- end -}}

{{- /* Where pods of one kind run, and what they bear: (list . .Values.gateway.backend.worker). */ -}}
{{- define "datalab.settings.gateway.pods" -}}
{{- $shared := (index . 0).Values.scheduling.userPods -}}{{- $own := index . 1 -}}
node_selector: {{ merge (dict) $own.nodeSelector $shared.nodeSelector | toJson }}
tolerations: {{ concat $shared.tolerations $own.tolerations | default list | toJson }}
labels: {{ toJson $own.labels }}
annotations: {{ toJson $own.annotations }}
environment: {{ toJson $own.environment }}
priority_class: {{ $own.priorityClassName | default $shared.priorityClassName | toJson }}
{{- end -}}

{{- define "datalab.settings.dask-volumes" -}}
{{- with include "datalab.names.ca" . }}
ca:
  configMap:
    name: {{ toJson . }}
    items:
      - key: {{ toJson $.Values.global.caBundle.key }}
        path: ca.crt
{{- end }}
{{- with .Values.gateway.backend.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "datalab.settings.dask-mounts" -}}
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
{{- with .Values.gateway.backend.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}
