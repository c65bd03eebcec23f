import { fieldAt, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { byConditions, byPhase, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, listAt, numberAt, textAt } from '../rules/status.ts';

// Percona operators (docs.percona.com, "Custom Resource status").
function nodes(live: KubeObject): string {
  return `${numberAt(live, 'status', 'ready')}/${numberAt(live, 'status', 'size')} node(s) are ready`;
}

function assessMongo(live: KubeObject): Health {
  const codes = { ready: 'Healthy', paused: 'Suspended', initializing: 'Progressing', stopping: 'Progressing', error: 'Degraded' } as const;
  const state = textAt(live, 'status', 'state');
  return health(Object.hasOwn(codes, state) ? codes[state as keyof typeof codes] : 'Unknown', nodes(live));
}

function assessXtraDb(live: KubeObject): Health {
  const state = textAt(live, 'status', 'state');
  switch (state) {
    case '':
      return health('Progressing', 'Waiting for the cluster to report status');
    case 'ready':
      return health('Healthy', nodes(live));
    case 'initializing':
      return health('Progressing', nodes(live));
    case 'paused':
      return health('Unknown', 'Cluster is paused');
    case 'stopping':
      return health('Degraded', `Cluster is stopping (${nodes(live)})`);
    case 'error': {
      const messages = fieldAt(live, 'status', 'message');
      return health('Degraded', `Cluster is on error: ${Array.isArray(messages) ? messages.join(', ') : textAt(live, 'status', 'message')}`);
    }
    default:
      return health('Unknown', `Cluster status '${state}' is unknown`);
  }
}

// MariaDB operator (k8s.mariadb.com): Complete is also True for a job that failed.
const assessMariaJob: Assess = (live) => {
  const complete = conditionOf(live, 'Complete');
  if (complete === undefined) return health('Progressing', 'No status info available');
  const words = `${complete.reason} ${complete.message}`;
  if (/Running|NotComplete|Suspended/.test(complete.reason)) return health('Progressing', words);
  return health(complete.status === 'True' && !complete.reason.includes('Failed') ? 'Healthy' : 'Degraded', words);
};

const assessMariaDb: Assess = (live) => {
  const ready = conditionOf(live, 'Ready');
  if (ready === undefined) return health('Progressing', 'No status info available');
  if (ready.status === 'True') return health('Healthy', ready.message);
  return health(ready.reason.includes('Fail') ? 'Degraded' : 'Progressing', ready.message);
};

// Elastic Cloud on Kubernetes: a colour for each of its kinds.
const COLOURS = { green: 'Healthy', yellow: 'Progressing', red: 'Degraded' } as const;

function assessElastic(kind: string): Assess {
  return (live) => {
    const colour = textAt(live, 'status', 'health');
    if (!isColour(colour)) return health('Progressing', `Waiting for ${kind}`);
    return health(COLOURS[colour], `${kind} status is ${colour.charAt(0).toUpperCase()}${colour.slice(1)}`);
  };
}

function isColour(word: string): word is keyof typeof COLOURS {
  return Object.hasOwn(COLOURS, word);
}

function assessElasticsearch(live: KubeObject): Health {
  const phase = textAt(live, 'status', 'phase');
  if (phase === 'Invalid') return health('Degraded', 'Elasticsearch phase is Invalid');
  if (phase !== '' && phase !== 'Ready') return health('Progressing', `Elasticsearch phase is ${phase}`);
  const wanted = listAt(live, 'spec', 'nodeSets').reduce((sum, set) => sum + numberAt(set, 'count'), 0);
  const available = numberAt(live, 'status', 'availableNodes');
  const colour = textAt(live, 'status', 'health');
  if (!isColour(colour)) return health('Unknown', 'Elasticsearch Cluster status is unknown');
  if (available < wanted) return health('Progressing', `The desired amount of availableNodes is ${wanted} but the current amount is ${available}`);
  const advice = colour === 'green' ? '' : '. Check the status of indices, replicas and shards';
  return health(COLOURS[colour], `Elasticsearch Cluster status is ${colour.charAt(0).toUpperCase()}${colour.slice(1)}${advice}`);
}

function assessClickHouse(noun: string): Assess {
  return (live) => {
    const status = textAt(live, 'status', 'status');
    if (status === '') return health('Progressing', `${noun} status not yet available`);
    if (status === 'Completed') return health('Healthy', `${noun} installation completed successfully`);
    if (status === 'InProgress' || status === 'Terminating') return health('Progressing', `${noun} installation in progress`);
    return health('Degraded', `${noun} status: ${status}`);
  };
}

// atlasgo.io operator: the reason names the step, and the step that it failed at.
const assessAtlas = byConditions({
  clauses: [
    { type: 'Ready', status: 'True', is: 'Healthy', say: ({ reason }) => reason },
    { type: 'Ready', reasons: ['Reconciling'], is: 'Progressing', say: ({ reason }) => reason },
    { type: 'Ready', status: 'False', is: 'Degraded', say: ({ reason }) => reason },
  ],
  waiting: 'Waiting for database schema to be applied',
});

function assessCassandra(live: KubeObject): Health {
  const racks = fieldAt(live, 'status', 'racks');
  const states = typeof racks === 'object' && racks !== null ? Object.values(racks) : [];
  const isWhole = states.length > 0 && states.every((rack: unknown) => numberAt(rack, 'readyMembers') === numberAt(rack, 'members'));
  return isWhole ? health('Healthy') : health('Progressing', 'Waiting for Cassandra Cluster');
}

/** Databases and search engines. */
export const databaseRules: RuleTable = {
  'psmdb.percona.com/PerconaServerMongoDB': assessMongo,
  'pxc.percona.com/PerconaXtraDBCluster': assessXtraDb,
  'ps.percona.com/PerconaServerMySQL': assessMongo,
  'acid.zalan.do/postgresql': byPhase({
    at: ['status', 'PostgresClusterStatus'],
    phases: { Running: 'Healthy', CreateFailed: 'Degraded', UpdateFailed: 'Degraded', SyncFailed: 'Degraded', Invalid: 'Degraded' },
    say: (phase) => phase,
    waiting: 'Waiting for postgres cluster status...',
  }),
  // CloudNativePG: the phase is a sentence; Ready sums it up.
  'postgresql.cnpg.io/Cluster': (live) => {
    const phase = textAt(live, 'status', 'phase');
    if (phase === '') return health('Progressing', 'Waiting for cluster status');
    if (conditionOf(live, 'cnpg.io/hibernation')?.status === 'True') return health('Suspended', 'Cluster is hibernated');
    if (phase === 'Cluster in healthy state') return health('Healthy', phase);
    return health(/fail|unrecoverable|cannot|error|not enough disk/i.test(phase) ? 'Degraded' : 'Progressing', phase);
  },
  ...forKinds('k8s.mariadb.com', ['Backup', 'PhysicalBackup', 'Restore', 'SqlJob'], () => assessMariaJob),
  ...forKinds('k8s.mariadb.com', ['Connection', 'Database', 'ExternalMariaDB', 'Grant', 'MariaDB', 'MaxScale', 'User'], () => assessMariaDb),
  'elasticsearch.k8s.elastic.co/Elasticsearch': assessElasticsearch,
  ...forKinds('kibana.k8s.elastic.co', ['Kibana'], assessElastic),
  ...forKinds('logstash.k8s.elastic.co', ['Logstash'], assessElastic),
  ...forKinds('agent.k8s.elastic.co', ['Agent'], assessElastic),
  ...forKinds('beat.k8s.elastic.co', ['Beat'], assessElastic),
  ...forKinds('apm.k8s.elastic.co', ['ApmServer'], assessElastic),
  ...forKinds('enterprisesearch.k8s.elastic.co', ['EnterpriseSearch'], assessElastic),
  ...forKinds('maps.k8s.elastic.co', ['ElasticMapsServer'], assessElastic),
  'clickhouse.altinity.com/ClickHouseInstallation': assessClickHouse('ClickHouse'),
  'clickhouse-keeper.altinity.com/ClickHouseKeeperInstallation': assessClickHouse('ClickHouseKeeper'),
  'db.atlasgo.io/AtlasMigration': assessAtlas,
  'db.atlasgo.io/AtlasSchema': assessAtlas,
  'cassandra.rook.io/Cluster': assessCassandra,
  'solr.apache.org/SolrCloud': (live) => {
    if (fieldAt(live, 'status', 'solrNodes') === undefined) return health('Progressing', 'Waiting for solr to exist');
    const isWhole = numberAt(live, 'status', 'readyReplicas') === numberAt(live, 'status', 'replicas');
    return isWhole ? health('Healthy', 'Solr is ready') : health('Progressing', 'Not all replicas are ready');
  },
  'zookeeper.pravega.io/ZookeeperCluster': (live) => {
    const isWhole = fieldAt(live, 'status', 'replicas') !== undefined && numberAt(live, 'status', 'readyReplicas') === numberAt(live, 'status', 'replicas');
    return isWhole ? health('Healthy', 'All ZK Nodes have joined the ensemble') : health('Progressing', 'Waiting for ZK Nodes to join the ensemble');
  },
  'opensearch.opster.io/OpenSearchCluster': byPhase({
    at: ['status', 'phase'],
    phases: { RUNNING: 'Healthy' },
    say: (phase) => `OpenSearch phase is ${phase}`,
    waiting: 'Waiting for OpenSearch',
  }),
  'mongodbcommunity.mongodb.com/MongoDBCommunity': byPhase({
    at: ['status', 'phase'],
    phases: { Running: 'Healthy', Failed: 'Degraded' },
    say: (phase, live) => textAt(live, 'status', 'message') || phase,
    waiting: 'Waiting for MongoDB',
  }),
  'objectbucket.io/ObjectBucketClaim': byPhase({
    at: ['status', 'phase'],
    phases: { Bound: 'Healthy', Failed: 'Degraded' },
    say: (phase) => `Object bucket claim phase is ${phase}`,
    waiting: 'Waiting for object bucket claim',
  }),
};
