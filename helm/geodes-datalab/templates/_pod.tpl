{{- /*
Pieces that all pods of the platform share: security contexts, placement, environment, volumes.
*/ -}}

{{- /*
Security context of a pod, as Pod Security "restricted" asks for it: no root, no capability, the
runtime's system call filter.
*/ -}}
{{- define "datalab.pod.context" -}}
runAsNonRoot: true
runAsUser: 1000
runAsGroup: 1000
fsGroup: 1000
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- /* Security context of a container. */ -}}
{{- define "datalab.pod.container-context" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /*
Head of a pod: (dict "root" . "component" "hub" "block" .Values.hub "token" true). A token of the API
server is mounted only where it is used. With "context" the pod's security context is another one.
*/ -}}
{{- define "datalab.pod.head" -}}
{{- $root := .root -}}
serviceAccountName: {{ include "datalab.names.account" (list $root .component .block) | toJson }}
automountServiceAccountToken: {{ .token | default false }}
enableServiceLinks: false
{{- with .block.terminationGracePeriodSeconds }}
terminationGracePeriodSeconds: {{ . }}
{{- end }}
securityContext: {{- .context | default (include "datalab.pod.context" .) | nindent 2 }}
{{- include "datalab.pod.pull-secrets" $root }}
{{- include "datalab.pod.placement" (list $root.Values.scheduling.corePods .block) }}
{{- end -}}

{{- define "datalab.pod.pull-secrets" -}}
{{- with .Values.global.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ toJson . }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /* Where a pod may run: (list .Values.scheduling.corePods .Values.hub); the second one wins. */ -}}
{{- define "datalab.pod.placement" -}}
{{- $shared := index . 0 -}}{{- $own := index . 1 -}}
{{- with merge (dict) $own.nodeSelector $shared.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with concat $shared.tolerations $own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.priorityClassName | default $shared.priorityClassName }}
priorityClassName: {{ toJson . }}
{{- end }}
{{- end -}}

{{- /* Image lines of a container that runs from the platform image. Input: the root context. */ -}}
{{- define "datalab.pod.platform" -}}
{{ include "datalab.pod.image" (list . .Values.hub.image) }}
{{- end -}}

{{- /* Image lines of a container: (list . .Values.hub.image). */ -}}
{{- define "datalab.pod.image" -}}
image: {{ include "datalab.names.image" . | toJson }}
imagePullPolicy: {{ (index . 1).pullPolicy }}
securityContext: {{- include "datalab.pod.container-context" . | nindent 2 }}
{{- end -}}

{{- /* Probe: (list .Values.hub.readinessProbe (dict "httpGet" ...)). */ -}}
{{- define "datalab.pod.probe" -}}
{{- merge (dict) (index . 0) (index . 1) | toYaml -}}
{{- end -}}

{{- /* Text of a plain value. Numbers as JSON, because Go would write 10000000 as 1e+07. */ -}}
{{- define "datalab.pod.text" -}}
{{- if kindIs "string" . }}{{ . }}{{ else }}{{ toJson . }}{{ end -}}
{{- end -}}

{{- /* Values for `env`: (list "NAME" "text" or {valueFrom: ...}) as items of the operator's map. */ -}}
{{- define "datalab.pod.env" -}}
{{- range $name, $value := . }}
- name: {{ toJson $name }}
  {{- if kindIs "map" $value }}
  {{- toYaml $value | nindent 2 }}
  {{- else }}
  value: {{ include "datalab.pod.text" $value | toJson }}
  {{- end }}
{{- end }}
{{- end -}}

{{- /*
Environment of a closed site, as a YAML map: authorities to trust, and the way out.
Input: the root context.
*/ -}}
{{- define "datalab.pod.site" -}}
{{- if include "datalab.names.ca" . }}
{{- range .Files.Get "files/authorities.json" | fromJsonArray }}
{{ . }}: /etc/geodes-datalab/ca/ca.crt
{{- end }}
{{- end }}
{{ include "datalab.way-out.plain" . }}
{{- end -}}

{{- /* Files of the site's authorities. Input: the root context. */ -}}
{{- define "datalab.pod.ca-volume" -}}
{{- with include "datalab.names.ca" . }}
- name: ca
  configMap:
    name: {{ toJson . }}
    items:
      - key: {{ toJson $.Values.global.caBundle.key }}
        path: ca.crt
{{- end }}
{{- end -}}
{{- define "datalab.pod.ca-mount" -}}
{{- if include "datalab.names.ca" . }}
- name: ca
  mountPath: /etc/geodes-datalab/ca
  readOnly: true
{{- end }}
{{- end -}}

{{- /* The operator's volumes, and the files: (list . "hub" .Values.hub). */ -}}
{{- define "datalab.pod.extra-volumes" -}}
{{- $root := index . 0 -}}{{- $component := index . 1 -}}{{- $block := index . 2 -}}
{{- if $block.extraFiles }}
- name: files
  secret:
    secretName: {{ include "datalab.names.files" (list $root $component) | toJson }}
    defaultMode: 0440
    items:
      {{- range $name, $file := $block.extraFiles }}
      - key: {{ toJson $name }}
        path: {{ toJson $name }}
        {{- with $file.mode }}
        mode: {{ . }}
        {{- end }}
      {{- end }}
{{- end }}
{{- range $name, $volume := $block.extraVolumes }}
- name: {{ toJson $name }}
  {{- toYaml $volume | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* Their mounts. Input: as above. */ -}}
{{- define "datalab.pod.extra-mounts" -}}
{{- $block := index . 2 -}}
{{- range $name, $file := $block.extraFiles }}
- name: files
  mountPath: {{ toJson $file.mountPath }}
  subPath: {{ toJson $name }}
  readOnly: true
{{- end }}
{{- range $name, $mount := $block.extraVolumeMounts }}
- {{ merge (dict) $mount (dict "name" $name) | toYaml | indent 2 | trim }}
{{- end }}
{{- end -}}

{{- /* Containers of a map name -> body, as a list. */ -}}
{{- define "datalab.pod.containers" -}}
{{- range $name, $container := . }}
- name: {{ toJson $name }}
  {{- toYaml $container | nindent 2 }}
{{- end }}
{{- end -}}

{{- /*
Pod with the operator's extraPodSpec merged over it: (list "<pod as YAML>" .Values.hub.extraPodSpec).
*/ -}}
{{- define "datalab.pod.merged" -}}
{{- $pod := index . 0 | fromYaml -}}
{{- if hasKey $pod "Error" -}}{{- fail (printf "the pod is no YAML: %s" $pod.Error) -}}{{- end -}}
{{- mergeOverwrite $pod (deepCopy (index . 1)) | toYaml -}}
{{- end -}}

{{- /*
Secret with a component's files: (list . "hub" .Values.hub). `data` of any structure is written as the
ending of mountPath says; stringData as it is; binaryData is base64 already.
*/ -}}
{{- define "datalab.pod.files" -}}
{{- $root := index . 0 -}}{{- $component := index . 1 -}}
apiVersion: v1
kind: Secret
metadata:
  name: {{ include "datalab.names.files" (list $root $component) | toJson }}
  namespace: {{ toJson $root.Release.Namespace }}
  labels: {{- include "datalab.labels" (list $root $component) | nindent 4 }}
type: Opaque
data:
  {{- range $name, $file := (index . 2).extraFiles }}
  {{ toJson $name }}: {{ include "datalab.pod.file" $file | quote }}
  {{- end }}
{{- end -}}

{{- /* Content of one file, base64. */ -}}
{{- define "datalab.pod.file" -}}
{{- $ending := ext .mountPath -}}
{{- if .binaryData }}{{ .binaryData | nospace }}
{{- else if .stringData }}{{ .stringData | b64enc }}
{{- else if kindIs "string" .data }}{{ .data | b64enc }}
{{- else if eq $ending ".toml" }}{{ .data | toToml | b64enc }}
{{- else if eq $ending ".json" }}{{ .data | toPrettyJson | b64enc }}
{{- else if has $ending (list ".yaml" ".yml") }}{{ .data | toYaml | b64enc }}
{{- else }}{{ fail (printf "the file %s holds a structure, but its name does not end in .yaml, .yml, .json or .toml: give stringData" .mountPath) }}{{ end -}}
{{- end -}}

{{- /*
Mark of files that lie in a Secret: (dict ...). Four digits, so that it cannot be used to guess one.
*/ -}}
{{- define "datalab.pod.files-mark" -}}
{{- toJson . | sha256sum | trunc 4 -}}
{{- end -}}

{{- /* Mark of some content for an annotation that restarts a pod: any string. */ -}}
{{- define "datalab.pod.mark" -}}
{{- . | sha256sum | trunc 16 -}}
{{- end -}}
