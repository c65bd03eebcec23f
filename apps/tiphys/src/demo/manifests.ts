/** The files of the demo's repository: a web service of two replicas that runs as host processes. */
export const DEMO_FILES: Readonly<Record<string, string>> = {
  'README.md': `# The demo application

Edit \`web/config.yaml\`, commit, and watch it go live.
`,
  'web/config.yaml': `# What the web service says. Change it and commit.
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
data:
  message: Hello from Tiphys
`,
  'web/service.yaml': `apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - name: http
      port: 8000
      targetPort: 8080
`,
  'web/deployment.yaml': `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      terminationGracePeriodSeconds: 5
      containers:
        - name: web
          # The process runtime runs the command; nothing is pulled.
          image: local/none
          command: [node, -e]
          args:
            - |
              const { readFileSync } = require('node:fs');
              const path = process.env.TIPHYS_ROOT + '/etc/web/message';
              const server = require('node:http').createServer((request, response) => {
                console.log(request.method, request.url);
                response.end(readFileSync(path, 'utf8') + ' (' + process.env.HOSTNAME + ')\\n');
              });
              server.listen(Number(process.env.PORT), process.env.HOST, () => console.log('listening'));
              process.on('SIGTERM', () => server.close(() => process.exit(0)));
          ports:
            - name: http
              containerPort: 8080
          readinessProbe:
            httpGet:
              path: /healthz
              port: http
            periodSeconds: 1
          volumeMounts:
            - name: config
              mountPath: /etc/web
      volumes:
        - name: config
          configMap:
            name: web
`,
};
