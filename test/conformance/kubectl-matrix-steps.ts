/** One command of the script and what must come of it. */
export interface Step {
  readonly name: string;
  readonly args: readonly string[];
  readonly input?: string;
  /** Exit code; 0 unless told. */
  readonly code?: number;
  /** What it prints. */
  readonly says?: RegExp;
  /** It prints to standard error. */
  readonly stderr?: boolean;
  /** First version of kubectl that has the command. */
  readonly since?: string;
}

const NAMESPACE = ['-n', 'matrix'];

function step(command: string, says?: RegExp, rest: Partial<Step> = {}): Step {
  return { name: command, args: [...NAMESPACE, ...command.split(' ')], ...(says === undefined ? {} : { says }), ...rest };
}

function feed(command: string, object: object | string, says?: RegExp, rest: Partial<Step> = {}): Step {
  return step(command, says, { input: typeof object === 'string' ? object : JSON.stringify(object), ...rest });
}

const web = (replicas: number, image = 'registry.example.com/web:1'): object => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web', labels: { app: 'web' } },
  spec: {
    replicas,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'web', image, ports: [{ containerPort: 80 }] }] } },
  },
});

const DATABASE = `
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  replicas: 0
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec:
      containers:
      - {name: db, image: "registry.example.com/db:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
  volumeClaimTemplates:
  - metadata: {name: data}
    spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
`;

const DEFINITION = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gadgets.matrix.example.com' },
  spec: {
    group: 'matrix.example.com',
    scope: 'Namespaced',
    names: { plural: 'gadgets', singular: 'gadget', kind: 'Gadget', shortNames: ['gd'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {}, scale: { specReplicasPath: '.spec.replicas', statusReplicasPath: '.status.replicas' } },
        additionalPrinterColumns: [{ name: 'Size', type: 'integer', jsonPath: '.spec.size' }],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            properties: {
              spec: { type: 'object', properties: { size: { type: 'integer', minimum: 1, description: 'How big it is' }, replicas: { type: 'integer' } } },
              status: { type: 'object', properties: { replicas: { type: 'integer' } } },
            },
          },
        },
      },
    ],
  },
};

const gadget = (size: number | string): object => ({
  apiVersion: 'matrix.example.com/v1',
  kind: 'Gadget',
  metadata: { name: 'g1' },
  spec: { size, replicas: 1 },
});
const settings = (data: object): object => ({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'applied' }, data });

/** The script. Each step rests on those before it. */
export const MATRIX: readonly Step[] = [
  step('version', /Server Version/),
  step('api-versions', /^apps\/v1$/m),
  step('api-resources', /deployments\s+deploy\s+apps\/v1\s+true\s+Deployment/),
  step('api-resources --namespaced=false -o name', /^nodes$/m),
  step('cluster-info', /control plane/),
  // Create, each family of kinds by its own command.
  step('create namespace matrix', /namespace\/matrix created/),
  step('create configmap settings --from-literal=a=1 --from-literal=b=2', /created/),
  step('create secret generic login --from-literal=user=me --from-literal=password=secret', /created/),
  step('create secret docker-registry pull --docker-server=registry.example.com --docker-username=u --docker-password=p', /created/),
  step('create serviceaccount robot', /created/),
  step('create deployment shop --image=registry.example.com/shop:1 --replicas=2 --port=8080', /created/),
  step('create service clusterip shop --tcp=80:8080', /created/),
  step('create service nodeport shop-node --tcp=80:8080 --node-port=30080', /created/),
  step('create service externalname elsewhere --external-name=example.com', /created/),
  step('create job once --image=registry.example.com/once:1 -- true', /created/),
  step('create cronjob often --image=registry.example.com/often:1 --schedule=0/5 -- true', undefined, { code: 1 }),
  feed(
    'create -f -',
    {
      apiVersion: 'batch/v1',
      kind: 'CronJob',
      metadata: { name: 'often' },
      spec: {
        schedule: '*/5 * * * *',
        jobTemplate: { spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'registry.example.com/often:1' }] } } } },
      },
    },
    /created/,
  ),
  step('create ingress shop --rule=shop.example.com/=shop:80', /created/),
  step('create role reader --verb=get,list --resource=pods,configmaps', /created/),
  step('create rolebinding readers --role=reader --serviceaccount=matrix:robot', /created/),
  step('create clusterrole looker --verb=get --resource=nodes', /created/),
  step('label clusterrole looker matrix=yes', /labeled/),
  step('create quota small --hard=pods=50,configmaps=20', /created/),
  step('create poddisruptionbudget shop --selector=app=shop --min-available=1', /created/),
  step('create priorityclass urgent --value=1000 --description=first', /created/),
  step('label priorityclass urgent matrix=yes', /labeled/),
  step('run single --image=registry.example.com/single:1 --restart=Never --labels=run=single', /pod\/single created/),
  step('autoscale deployment shop --min=1 --max=3 --cpu-percent=50', /autoscaled/),
  step('expose deployment shop --name=shop-exposed --port=81 --target-port=8080', /exposed/),
  // Apply, by the client and by the server.
  feed('apply -f -', web(1), /deployment.apps\/web created/),
  feed('apply -f -', web(2), /deployment.apps\/web configured/),
  feed('apply -f -', web(2), /deployment.apps\/web unchanged/),
  feed('apply -f -', DATABASE, /statefulset.apps\/db created/),
  // kubectl compares claim templates as a whole, so it sends what the server has completed; nothing comes of it.
  feed('apply -f -', DATABASE, /statefulset.apps\/db (unchanged|configured)/),
  step('get statefulset db -o jsonpath={.metadata.generation}', /^1$/),
  feed('apply --server-side -f -', settings({ a: '1', b: '2' }), /serverside-applied/),
  feed('apply --server-side --field-manager=other -f -', settings({ a: '2' }), /conflict/i, { code: 1, stderr: true }),
  feed('apply --server-side --field-manager=other --force-conflicts -f -', settings({ a: '2' }), /serverside-applied/),
  feed('diff -f -', web(3), /\+\s+replicas: 3/, { code: 1 }),
  feed('diff --server-side --force-conflicts -f -', web(2, 'registry.example.com/web:2'), /web:2/, { code: 1 }),
  feed('apply --dry-run=server -f -', web(5), /server dry run/),
  feed('apply -f -', DEFINITION, /customresourcedefinition.apiextensions.k8s.io\/gadgets.matrix.example.com created/),
  step('wait --for=condition=Established crd/gadgets.matrix.example.com --timeout=10s', /condition met/),
  feed('apply -f -', gadget(3), /gadget.matrix.example.com\/g1 created/),
  feed('apply -f -', gadget(0), /should be greater than or equal to 1/, { code: 1, stderr: true }),
  feed('apply -f -', { ...gadget(3), unknown: true }, /unknown field "unknown"/, { code: 1, stderr: true }),
  // Change.
  step('patch deployment web --type=merge -p {"metadata":{"annotations":{"note":"merged"}}}', /patched/),
  step('patch deployment web -p {"spec":{"template":{"spec":{"containers":[{"name":"web","env":[{"name":"A","value":"1"}]}]}}}}', /patched/),
  step('patch deployment web --type=json -p [{"op":"add","path":"/metadata/annotations/json","value":"yes"}]', /patched/),
  step('set image deployment/web web=registry.example.com/web:3', /image updated/),
  step('set env deployment/web B=2', /env updated/),
  step('set resources deployment/web --limits=cpu=200m,memory=0.5Gi', /resource requirements updated/),
  step('scale deployment web --replicas=3', /scaled/),
  step('scale gadget g1 --replicas=4', /scaled/),
  step('label deployment web tier=front', /labeled/),
  step('label deployment web tier-', /unlabeled|labeled/),
  step('annotate deployment web owner=me', /annotated?/),
  step('rollout pause deployment/web', /paused/),
  step('rollout resume deployment/web', /resumed/),
  feed('replace -f -', { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'settings' }, data: { a: '9' } }, /replaced/),
  // Look.
  step('get deployments', /NAME\s+READY\s+UP-TO-DATE\s+AVAILABLE\s+AGE/),
  step('get deployment web -o wide', /CONTAINERS\s+IMAGES\s+SELECTOR/),
  step('get gadgets', /NAME\s+SIZE[\s\S]*g1\s+3/),
  step('get gd g1 -o jsonpath={.spec.size}', /^3$/),
  step('get configmaps --sort-by=.metadata.name -o name', /configmap\/applied[\s\S]*configmap\/settings/),
  step('get pods --field-selector=metadata.name=single -o name', /^pod\/single\n$/),
  step('get services -l app=shop -o name', /service\/shop/),
  step('get all', /deployment.apps\/web/),
  step('get deployment web -o yaml --show-managed-fields', /managedFields:/),
  step('get --raw /apis/apps/v1', /"APIResourceList"/),
  step('describe deployment web', /Name:\s+web[\s\S]*Replicas:/),
  step('describe pod single', /Name:\s+single/),
  step('describe secret login', /password:\s+6 bytes/),
  step('describe gadget g1', /Kind:\s+Gadget/),
  step('explain deployment.spec.template.spec.containers', /imagePullPolicy/),
  step('explain gadgets.spec.size', /How big it is/),
  step('events', undefined),
  step('auth can-i create pods', /^yes$/m),
  step('auth can-i delete nodes --as=system:serviceaccount:matrix:robot', /^no$/m, { code: 1 }),
  step('auth can-i get pods --as=system:serviceaccount:matrix:robot', /^yes$/m),
  step('auth whoami', /kubernetes-admin/, { since: '1.28' }),
  step('create token robot --duration=1h', /^[\w-]+\.[\w-]+\.[\w-]+\n?$/),
  step('wait --for=jsonpath={.spec.replicas}=3 deployment/web --timeout=10s', /condition met/),
  step('wait --for=delete pod/absent --timeout=5s', undefined),
  // Delete.
  step('delete service shop-exposed', /deleted/),
  step('delete pod single --grace-period=0 --force', /deleted/),
  step('delete configmap settings --dry-run=server', /server dry run/),
  step('delete job once --cascade=orphan', /deleted/),
  step('delete hpa --all', /deleted/),
  step('delete secret absent', /NotFound/, { code: 1, stderr: true }),
  step('delete secret absent --ignore-not-found', undefined),
];
