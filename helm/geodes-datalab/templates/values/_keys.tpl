{{- /*
  Names of values: an unknown one is refused with the nearest right one, one of another chart with
  its new spelling. What is right stands in files/keys.json, made from values.schema.yaml by
  `make chart`; helm's own schema check comes earlier, but cannot tell what was meant.
*/}}

{{- /*
  values.unknown: collect problems with the names below a path.
  Input: dict "values" (map) "keys" (what keys.json says about them) "path" ("hub.")
         "moved" (path -> message) "problems" (dict "lines" list: appended to)
*/}}
{{- define "datalab.values.unknown" -}}
{{- range $name, $value := .values }}
  {{- $path := printf "%s%s" $.path $name }}
  {{- $known := get $.keys $name | default (get $.keys "*") }}
  {{- if not $known }}
    {{- $line := include "datalab.values.problem" (dict "name" $name "path" $path "context" $) }}
    {{- if $line }}
      {{- $_ := set $.problems "lines" (append $.problems.lines (printf "%s: %s" $path $line)) }}
    {{- end }}
  {{- else if and (kindIs "map" $known) (kindIs "map" $value) }}
    {{- include "datalab.values.unknown" (dict
          "values" $value "keys" $known "path" (printf "%s." $path)
          "moved" $.moved "problems" $.problems) }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
  values.problem: what to say about one unknown name; nothing where further names are welcome and
  this one resembles none of ours.
  Input: dict "name" "path" "context" (that of values.unknown)
*/}}
{{- define "datalab.values.problem" -}}
{{- $best := include "datalab.values.nearest" (dict "name" .name "candidates" (keys .context.keys)) | fromJson }}
{{- $open := hasKey .context.keys "?" }}
{{- if hasKey .context.moved .path -}}
  {{ get .context.moved .path }}
{{- else if ge (int $best.score) (ternary 70 45 $open) -}}
  there is no such key. Did you mean {{ .context.path }}{{ $best.name }}?
{{- else if not $open -}}
  there is no such key. {{ with without (keys .context.keys | sortAlpha) "?" "*" -}}
  {{ if $.context.path }}Below {{ trimSuffix "." $.context.path }} there are{{ else }}At the top level there are{{ end }}: {{ join ", " . }}
  {{- end }}
{{- end }}
{{- end }}

{{- /*
  values.nearest: the candidate that shares most with a name, as JSON {name, score 0-100}. The score
  is Dice's: twice the pairs of letters in common, of all pairs; capitals do not count.
  Input: dict "name" "candidates" (list)
*/}}
{{- define "datalab.values.nearest" -}}
{{- $wanted := include "datalab.values.pairs" .name | fromJsonArray }}
{{- $best := dict "name" "" "score" 0 }}
{{- range $candidate := .candidates | sortAlpha }}
  {{- $pairs := include "datalab.values.pairs" $candidate | fromJsonArray }}
  {{- $common := 0 }}
  {{- $left := $wanted }}
  {{- range $pair := $pairs }}
    {{- if has $pair $left }}
      {{- $common = add1 $common }}
      {{- $left = without $left $pair }}
    {{- end }}
  {{- end }}
  {{- $score := div (mul 200 $common) (add (len $wanted) (len $pairs)) }}
  {{- if gt (int $score) (int $best.score) }}
    {{- $best = dict "name" $candidate "score" $score }}
  {{- end }}
{{- end }}
{{- toJson $best }}
{{- end }}

{{- /*
  values.pairs: neighbouring letters of a name, its start and end marked, as a JSON list.
  Input: the name. Example: "hub" -> ["^h","hu","ub","b$"]
*/}}
{{- define "datalab.values.pairs" -}}
{{- $marked := printf "^%s$" (. | lower | replace "_" "" | replace "-" "") }}
{{- $pairs := list }}
{{- range $start := until (int (sub (len $marked) 1)) }}
  {{- $pairs = append $pairs (substr $start (int (add $start 2)) $marked) }}
{{- end }}
{{- toJson $pairs }}
{{- end }}

{{- /*
  values.dangerous: collect traits in free maps that would undo what the chart promises.
  Input: dict "values" (all of them) "dangerous" (free map -> Class.trait -> message) "problems"
*/}}
{{- define "datalab.values.dangerous" -}}
{{- range $place, $traits := .dangerous }}
  {{- $found := $.values }}
  {{- range $step := splitList "." $place }}
    {{- $found = get ($found | default dict) $step }}
  {{- end }}
  {{- range $class, $settings := $found | default dict }}
    {{- range $trait, $value := $settings | default dict }}
      {{- $message := get $traits (printf "%s.%s" $class $trait) | default (get $traits (printf "*.%s" $trait)) }}
      {{- if $message }}
        {{- $_ := set $.problems "lines" (append $.problems.lines (printf "%s.%s.%s: %s" $place $class $trait $message)) }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}
