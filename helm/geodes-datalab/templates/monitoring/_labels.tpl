{{- /*
Labels of an object that a Prometheus or a Grafana looks for, with the site's:
(list . "hub" .Values.monitoring.serviceMonitor.labels).
*/ -}}
{{- define "datalab.monitoring.labels" -}}
{{- merge (include "datalab.labels" (list (index . 0) (index . 1)) | fromYaml) (index . 2) | toYaml -}}
{{- end -}}

{{- /* A quantity in bytes, as Prometheus reads it: "20Gi" -> (20 * 1024 ^ 3). */ -}}
{{- define "datalab.monitoring.bytes" -}}
{{- $digits := regexFind "^[0-9.]+" . -}}{{- $unit := trimPrefix $digits . -}}
{{- $powers := dict "k" 1 "K" 1 "M" 2 "G" 3 "T" 4 "P" 5 "E" 6 -}}
{{- $base := ternary "1024" "1000" (hasSuffix "i" $unit) -}}
{{- $power := get $powers (trimSuffix "i" $unit) | default 0 -}}
{{- if eq $unit "m" -}}({{ $digits }} / 1000)
{{- else -}}({{ $digits }} * {{ $base }} ^ {{ $power }}){{- end -}}
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
