{{- /*
Images to bring to the nodes, as a YAML list: the users' one, Dask's, those of profiles, further ones.
Input: the root context.
*/ -}}
{{- define "datalab.puller.images" -}}
{{- $root := . -}}
{{- $found := list (include "datalab.names.notebook-image" .) -}}
{{- if .Values.gateway.enabled -}}{{- $found = append $found (include "datalab.names.dask-image" .) -}}{{- end -}}
{{- if .Values.prePuller.pullProfileImages -}}
{{- range $_, $profile := .Values.singleuser.profiles -}}
{{- with $profile.image -}}{{- $found = append $found (include "datalab.names.in-registry" (list $root .)) -}}{{- end -}}
{{- range $_, $option := $profile.options -}}
{{- range $_, $choice := $option.choices -}}
{{- with $choice.image -}}{{- $found = append $found (include "datalab.names.in-registry" (list $root .)) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $_, $image := .Values.prePuller.extraImages -}}
{{- $found = append $found (include "datalab.names.in-registry" (list $root $image)) -}}
{{- end -}}
{{- uniq $found | toYaml -}}
{{- end -}}

{{- /* Pod that brings images: (list . "puller" <ServiceAccount>). */ -}}
{{- define "datalab.puller.pod" -}}
{{- $root := index . 0 -}}{{- $puller := $root.Values.prePuller -}}
serviceAccountName: {{ index . 2 | toJson }}
automountServiceAccountToken: false
enableServiceLinks: false
terminationGracePeriodSeconds: 0
securityContext: {{- include "datalab.pod.context" $root | nindent 2 }}
{{- include "datalab.pod.pull-secrets" $root }}
{{- include "datalab.pod.placement" (list $root.Values.scheduling.userPods $puller) }}
initContainers:
  {{- range $index, $image := include "datalab.puller.images" $root | fromYamlArray }}
  - name: image-{{ $index }}
    image: {{ toJson $image }}
    imagePullPolicy: {{ $root.Values.singleuser.image.pullPolicy }}
    command: [/bin/sh, -c, exit 0]
    securityContext: {{- include "datalab.pod.container-context" $root | nindent 6 }}
    resources: {{- toYaml $puller.resources | nindent 6 }}
  {{- end }}
containers:
  - name: pause
    image: {{ include "datalab.names.notebook-image" $root | toJson }}
    imagePullPolicy: {{ $root.Values.singleuser.image.pullPolicy }}
    command: [sleep, infinity]
    securityContext: {{- include "datalab.pod.container-context" $root | nindent 6 }}
    resources: {{- toYaml $puller.resources | nindent 6 }}
{{- end -}}
