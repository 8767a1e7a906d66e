{{- /* "yes" where the pod of the homes runs, else empty. Input: the root context. */ -}}
{{- define "datalab.homes.enabled" -}}
{{- if or .Values.homes.metrics.enabled .Values.homes.view.enabled -}}yes{{- end -}}
{{- end -}}

{{- /* Secrets of the pod, as a YAML list. Input: the root context. */ -}}
{{- define "datalab.homes.secrets" -}}
{{- if .Values.homes.view.enabled }}
- homes.token
{{- end }}
{{- if .Values.homes.metrics.enabled }}
- monitoring.token
{{- end }}
{{- end -}}

{{- /* Section `homes` of the settings. Input: the root context. */ -}}
{{- define "datalab.settings.homes" -}}
{{- $homes := .Values.homes -}}
usage:
  enabled: {{ $homes.usage.enabled }}
  every_minutes: {{ $homes.usage.everyMinutes }}
  {{- with $homes.usage.quota }}
  quota: {{ toJson . }}
  {{- end }}
metrics:
  enabled: {{ $homes.metrics.enabled }}
  every_minutes: {{ $homes.metrics.everyMinutes }}
  share: {{ $homes.metrics.share }}
  home_minutes: {{ $homes.metrics.homeMinutes }}
{{- if $homes.view.enabled }}
view:
  enabled: true
  token: {{ include "datalab.secrets.file" (list . "homes.token") }}
  url: http://{{ include "datalab.names.address" (list . "homes" 8000) }}
{{- end }}
{{- if include "datalab.homes.enabled" . }}
folder: /homes
address: 0.0.0.0
port: 8000
{{- end }}
{{- end -}}
