{{- /*
Labels of an object that a Prometheus or a Grafana looks for, with the site's:
(list . "hub" .Values.monitoring.serviceMonitor.labels).
*/ -}}
{{- define "datalab.monitoring.labels" -}}
{{- merge (include "datalab.labels" (list (index . 0) (index . 1)) | fromYaml) (index . 2) | toYaml -}}
{{- end -}}

{{- /*
Regular expression of the users' claims: their names' template with anything in the place of braces.
Input: the root context.
*/ -}}
{{- define "datalab.monitoring.homes" -}}
{{- $storage := .Values.singleuser.storage -}}
{{- if eq $storage.type "dynamic" -}}
{{- $template := $storage.dynamic.pvcNameTemplate | default (printf "%s-home-{username}" (include "datalab.fullname" .)) -}}
{{- regexReplaceAll "\\{[a-z_]+\\}" $template ".+" -}}
{{- else -}}
{{- $storage.static.pvcName -}}
{{- end -}}
{{- end -}}
