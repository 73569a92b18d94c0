{{- define "beacon.labels" -}}
app.kubernetes.io/name: beacon
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .service }}
{{- end }}

{{- define "beacon.metadata" -}}
name: {{ .root.Release.Name }}-{{ .service }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "beacon.labels" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "beacon.image" -}}
{{- with .root.Values.image.registry }}{{ . }}/{{ end }}{{ .root.Values.image.repository }}/{{ .service }}:{{ .root.Values.image.tag | default .root.Chart.AppVersion }}
{{- end }}

{{/* Where a service is found, in the words of Microsoft.Extensions.ServiceDiscovery. */}}
{{- define "beacon.reference" -}}
- name: services__{{ .service }}__http__0
  value: http://{{ .root.Release.Name }}-{{ .service }}:8080
- name: services__{{ .service }}__grpc__0
  value: http://{{ .root.Release.Name }}-{{ .service }}:8081
{{- end }}

{{- define "beacon.env" -}}
{{- $values := index .root.Values .service -}}
- name: ConnectionStrings__bus
  valueFrom: {secretKeyRef: {name: {{ .root.Values.secrets.connections }}, key: bus}}
- name: Beacon__Auth__ServiceKey
  valueFrom: {secretKeyRef: {name: {{ .root.Values.secrets.connections }}, key: service-key}}
{{- if ne .service "ledger" }}
- name: ConnectionStrings__redis
  valueFrom: {secretKeyRef: {name: {{ .root.Values.secrets.connections }}, key: redis}}
{{- end }}
{{- if .root.Values.auth.authority }}
- name: Beacon__Auth__Authority
  value: {{ .root.Values.auth.authority | quote }}
{{- else if ne .service "signaling" }}
- name: Beacon__Auth__Authority
  value: http://{{ .root.Release.Name }}-signaling:8080
{{- end }}
- name: Beacon__Auth__Audience
  value: {{ .root.Values.auth.audience | quote }}
{{- with .root.Values.otlpEndpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ . | quote }}
{{- end }}
- name: Beacon__Endpoints__DrainSeconds
  value: {{ $values.drainSeconds | quote }}
- name: OTEL_SERVICE_NAME
  value: beacon-{{ .service }}
{{- range $name, $value := merge (dict) ($values.options | default dict) .root.Values.options }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* Everything in a pod that is the same for all four. Lists that one of them adds to (env, mounts, volumes, ports) come with the call. */}}
{{- define "beacon.pod" -}}
{{- $values := index .root.Values .service -}}
{{- if lt (int $values.terminationGraceSeconds) (add (int $values.drainSeconds) 30 | int) }}
{{- fail (printf "%s.terminationGraceSeconds must be 30 more than drainSeconds: after draining, the process stops in order" .service) }}
{{- end }}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
serviceAccountName: {{ .root.Release.Name }}-{{ .service }}
automountServiceAccountToken: {{ .token | default false }}
terminationGracePeriodSeconds: {{ $values.terminationGraceSeconds }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1654
  runAsGroup: 1654
  fsGroup: 1654
  seccompProfile: {type: RuntimeDefault}
containers:
  - name: {{ .service }}
    image: {{ include "beacon.image" . }}
    imagePullPolicy: {{ .root.Values.image.pullPolicy }}
    env:
      {{- include "beacon.env" . | nindent 6 }}
      {{- with .env }}
      {{- . | nindent 6 }}
      {{- end }}
    ports:
      - {name: http, containerPort: 8080}
      - {name: grpc, containerPort: 8081}
      {{- with .ports }}
      {{- . | nindent 6 }}
      {{- end }}
    # Alive and ready are different things: a service that waits for its broker must not be restarted, nor one that waits for Redis and
    # does not listen until then.
    startupProbe:
      httpGet: {path: /alive, port: http}
      periodSeconds: 2
      failureThreshold: 900
    livenessProbe:
      httpGet: {path: /alive, port: http}
      periodSeconds: 10
      timeoutSeconds: 3
    readinessProbe:
      httpGet: {path: /health, port: http}
      periodSeconds: 5
      timeoutSeconds: 3
    resources:
      {{- toYaml $values.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities: {drop: [ALL]}
    volumeMounts:
      - {name: tmp, mountPath: /tmp}
      - {name: data, mountPath: /data}
      {{- with .mounts }}
      {{- . | nindent 6 }}
      {{- end }}
volumes:
  - name: tmp
    emptyDir: {sizeLimit: 256Mi}
  {{- with .volumes }}
  {{- . | nindent 2 }}
  {{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $values.affinity }}
affinity:
  {{- toYaml $values.affinity | nindent 2 }}
{{- else }}
# Replicas of one service on different nodes, where there are any.
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "beacon.labels" . | nindent 8 }}
{{- end }}
{{- end }}

{{/* A Deployment of as many as the values say, or as the autoscaler finds. */}}
{{- define "beacon.deployment" -}}
{{- $values := index .root.Values .service -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "beacon.metadata" . | nindent 2 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false $values) }}
  replicas: {{ $values.replicas }}
  {{- end }}
  # One more before one less: nobody's picture waits for a pull of the image.
  strategy:
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels:
      {{- include "beacon.labels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "beacon.labels" . | nindent 8 }}
        {{- with .podLabels }}
        {{- . | nindent 8 }}
        {{- end }}
    spec:
      {{- include "beacon.pod" . | nindent 6 }}
{{- end }}

{{/* Name, account and the two ports of a service. */}}
{{- define "beacon.service" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "beacon.metadata" . | nindent 2 }}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata:
  {{- include "beacon.metadata" . | nindent 2 }}
spec:
  {{- if .headless }}
  # gRPC keeps its connections: callers see every replica and balance by themselves.
  clusterIP: None
  {{- end }}
  selector:
    {{- include "beacon.labels" . | nindent 4 }}
  ports:
    - {name: http, port: 8080, targetPort: http, appProtocol: http}
    - {name: grpc, port: 8081, targetPort: grpc, appProtocol: kubernetes.io/h2c}
{{- end }}

{{- define "beacon.disruption" -}}
{{- $values := index .root.Values .service -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "beacon.metadata" . | nindent 2 }}
spec:
  maxUnavailable: {{ $values.disruption.maxUnavailable }}
  selector:
    matchLabels:
      {{- include "beacon.labels" . | nindent 6 }}
{{- end }}

{{- define "beacon.autoscaler" -}}
{{- $values := index .root.Values .service -}}
{{- if $values.autoscaling.enabled }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "beacon.metadata" . | nindent 2 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: {{ .root.Release.Name }}-{{ .service }}}
  minReplicas: {{ $values.autoscaling.minReplicas }}
  maxReplicas: {{ $values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ $values.autoscaling.cpuPercent }}}}
  behavior:
    # Each replica that goes makes its viewers reconnect or its streams change owners: slowly, and one at a time.
    scaleDown:
      stabilizationWindowSeconds: 600
      policies: [{type: Pods, value: 1, periodSeconds: 120}]
{{- end }}
{{- end }}
