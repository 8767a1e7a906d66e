{{- /*
How the check of `helm test` logs in: "auth.password" where its user may, by the form that people use;
else "check.token", a token of the hub that is good for this one user. Input: the root context.
*/ -}}
{{- define "datalab.check.key" -}}
{{- $users := .Values.auth.users -}}
{{- if and (eq .Values.auth.type "shared-password") (or (not $users) (has .Values.tests.user $users)) (not (has .Values.tests.user .Values.auth.admins)) -}}
auth.password
{{- else -}}
check.token
{{- end -}}
{{- end -}}
