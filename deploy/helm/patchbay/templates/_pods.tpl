{{/* What all pods have in common: who they run as, and that they may do nothing else. */}}
{{- define "patchbay.podSecurity" -}}
automountServiceAccountToken: false
serviceAccountName: {{ include "patchbay.name" . }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "patchbay.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "patchbay.tracesEnv" -}}
{{- with .Values.traces.endpoint -}}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end -}}
{{- end -}}

{{- define "patchbay.logEnv" -}}
- name: KAFKA_BOOTSTRAP_SERVERS
  value: {{ include "patchbay.bootstrapServers" . | quote }}
- name: TOPIC
  value: {{ .Values.topic.name | quote }}
{{- end -}}

{{/* DATABASE_URL of "owner" or "reader". With CloudNativePG the password is asyncpg's PGPASSWORD: it need not be encoded. */}}
{{- define "patchbay.databaseEnv" -}}
{{- $pg := .root.Values.postgres -}}
{{- if $pg.cnpg.enabled -}}
{{- $login := ternary "patchbay" "patchbay_api" (eq .who "owner") -}}
- name: DATABASE_URL
  value: {{ printf "postgresql://%s@%s-rw:%v/patchbay?sslmode=verify-full&sslrootcert=/etc/patchbay/postgres/ca.crt" $login $pg.cnpg.name $pg.port | quote }}
- name: PGPASSWORD
  valueFrom:
    secretKeyRef:
      {{- if eq .who "owner" }}
      name: {{ $pg.cnpg.name }}-app
      {{- else }}
      name: {{ required "postgres.cnpg.readerSecretName names the secret of the login patchbay_api" $pg.cnpg.readerSecretName }}
      {{- end }}
      key: password
{{- else -}}
{{- $secret := ternary $pg.ownerSecret $pg.readerSecret (eq .who "owner") -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef:
      name: {{ required (printf "postgres.%sSecret.name names the secret with the database's URL; or set postgres.cnpg.enabled" .who) $secret.name }}
      key: {{ $secret.key }}
{{- end -}}
{{- end -}}

{{- define "patchbay.settingsEnv" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "patchbay.probes" -}}
startupProbe:
  httpGet: {path: /livez, port: http}
  periodSeconds: 2
  failureThreshold: 90
livenessProbe:
  httpGet: {path: /livez, port: http}
  periodSeconds: 10
  timeoutSeconds: 3
  failureThreshold: 3
{{- end -}}

{{- define "patchbay.spread" -}}
topologySpreadConstraints:
  {{- range list "topology.kubernetes.io/zone" "kubernetes.io/hostname" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "patchbay.selector" $.root | nindent 8 }}
        app.kubernetes.io/component: {{ $.component }}
  {{- end }}
{{- end -}}

{{- define "patchbay.volumeMounts" -}}
{{- if .Values.postgres.cnpg.enabled }}
volumeMounts:
  - {name: postgres-ca, mountPath: /etc/patchbay/postgres, readOnly: true}
{{- end }}
{{- end -}}

{{- define "patchbay.volumes" -}}
{{- if .Values.postgres.cnpg.enabled }}
volumes:
  - name: postgres-ca
    secret:
      secretName: {{ .Values.postgres.cnpg.name }}-ca
      items: [{key: ca.crt, path: ca.crt}]
{{- end }}
{{- end -}}
