import { fieldAt, isJsonObject, type KubeObject } from '@tiphys/kube-model';
import { health, type Assess, type Health } from '../health.ts';
import { byConditions, byPhase, forKinds, type RuleTable } from '../rules/rule.ts';
import { conditionOf, conditionsOf, numberAt, spaced, textAt } from '../rules/status.ts';

// Strimzi (strimzi.io docs, "Custom resource status"): NotReady is a condition of its own.
function assessStrimzi(kind: string): Assess {
  const noun = kind === 'Kafka' ? 'Kafka Cluster' : spaced(kind);
  return byConditions({
    clauses: [
      { type: 'Ready', status: 'True', is: 'Healthy' },
      { type: 'NotReady', status: 'True', is: 'Degraded' },
    ],
    waiting: `Waiting for ${noun}`,
    stale: `Waiting for ${noun}`,
  });
}

const STRIMZI = ['Kafka', 'KafkaBridge', 'KafkaConnect', 'KafkaConnector', 'KafkaMirrorMaker', 'KafkaMirrorMaker2', 'KafkaNodePool', 'KafkaTopic', 'KafkaUser'];

const assessRebalance = byConditions({
  clauses: [
    { type: 'NotReady', status: 'True', is: 'Degraded' },
    { type: 'Ready', status: 'True', is: 'Healthy' },
    { type: 'Stopped', status: 'True', is: 'Suspended' },
    { type: 'ProposalReady', status: 'True', is: 'Suspended', say: 'Proposal is waiting for approval' },
    { type: 'Rebalancing', status: 'True', is: 'Progressing', say: 'Rebalancing' },
  ],
  waiting: 'Waiting for Kafka Rebalance',
});

// Koperator (kafka.banzaicloud.io).
const WORKING: Readonly<Record<string, string>> = {
  ClusterReconciling: 'Kafka Cluster is Reconciling.',
  ClusterRollingUpgrading: 'Kafka Cluster is Rolling Upgrading.',
};

function assessKafkaCluster(live: KubeObject): Health {
  const state = textAt(live, 'status', 'state');
  if (WORKING[state] !== undefined) return health('Progressing', WORKING[state]);
  const isTopicReady = textAt(live, 'status', 'cruiseControlTopicStatus') === 'CruiseControlTopicReady';
  if (state !== 'ClusterRunning' || !isTopicReady) return health('Progressing', 'Waiting for KafkaCluster');
  const brokers = fieldAt(live, 'status', 'brokersState');
  const isWhole = isJsonObject(brokers) && Object.values(brokers).every(isInSync);
  return isWhole
    ? health('Healthy', 'Kafka Brokers, CruiseControl and cluster are in Healthy State.')
    : health('Degraded', 'Broker Config is out of Sync or CruiseControlState is not Ready');
}

function isInSync(broker: unknown): boolean {
  const cruise = textAt(broker, 'gracefulActionState', 'cruiseControlState');
  return textAt(broker, 'configurationState') === 'ConfigInSync' && (cruise === '' || cruise.endsWith('Succeeded'));
}

// Confluent for Kubernetes (docs.confluent.io/operator): clusters have a phase, things inside them a state.
function assessConfluentCluster(kind: string): Assess {
  return byPhase({
    at: ['status', 'phase'],
    phases: { RUNNING: 'Healthy', FAILED: 'Degraded' },
    say: (phase) => `${kind} ${phase.toLowerCase()}`,
    waiting: `Waiting for ${kind}`,
  });
}

function assessConfluentEntity(kind: string): Assess {
  return (live) => {
    const state = textAt(live, 'status', 'state');
    if (state === '') return health('Progressing', `Waiting for ${kind}`);
    if (state !== 'ERROR' && state !== 'FAILED') return health(state === 'CREATED' ? 'Healthy' : 'Progressing', `${kind} ${state.toLowerCase()}`);
    return health('Degraded', failureOf(live) ?? `${kind} ${state.toLowerCase()}`);
  };
}

function assessConnector(live: KubeObject): Health {
  const failed = failureOf(live);
  if (failed !== undefined) return health('Degraded', failed);
  if (numberAt(live, 'status', 'failedTasksCount') > 0) return health('Degraded', 'Connector has failed tasks');
  switch (textAt(live, 'status', 'connectorState')) {
    case 'RUNNING':
      return health('Healthy', 'Connector running');
    case 'FAILED':
      return health('Degraded', 'Connector failed');
    case 'PAUSED':
      return health('Suspended', 'Connector paused');
    default:
      return health('Progressing', 'Waiting for Connector');
  }
}

function failureOf(live: KubeObject): string | undefined {
  return conditionsOf(live).find(({ type, status }) => type === 'platform.confluent.io/app-ready' && status === 'False')?.message;
}

const CONFLUENT_CLUSTERS = ['Connect', 'ControlCenter', 'KRaftController', 'Kafka', 'KafkaRestProxy', 'KsqlDB', 'SchemaRegistry', 'Zookeeper'];
const CONFLUENT_ENTITIES = ['ClusterLink', 'ConfluentRolebinding', 'KafkaRestClass', 'KafkaTopic', 'Schema', 'SchemaExporter'];

// RabbitMQ (rabbitmq.com/kubernetes/operator): the topology operator has one Ready for all its kinds.
function assessTopology(kind: string): Assess {
  const noun = `RabbitMQ ${kind === 'Vhost' ? 'vhost' : spaced(kind).toLowerCase()}`;
  return (live) => {
    const ready = conditionOf(live, 'Ready');
    if (ready?.status === 'True') return health('Healthy', `${noun} ready`);
    if (ready?.status === 'False') return health('Degraded', `${noun} failed to be created or updated`);
    return health('Unknown', `${noun} status is unknown`);
  };
}

const TOPOLOGY = [
  'Binding',
  'Exchange',
  'Federation',
  'OperatorPolicy',
  'Permission',
  'Policy',
  'Queue',
  'SchemaReplication',
  'Shovel',
  'SuperStream',
  'TopicPermission',
  'User',
  'Vhost',
];

function assessRabbitCluster(live: KubeObject): Health {
  const reconciled = conditionOf(live, 'ReconcileSuccess');
  const available = conditionOf(live, 'ClusterAvailable');
  const replicas = conditionOf(live, 'AllReplicasReady');
  if (reconciled?.status === 'False') return health('Degraded', reconciled.message);
  if (available === undefined || replicas === undefined) return health('Progressing', 'Waiting for RabbitMQ Operator');
  if (available.status === 'Unknown' || replicas.status === 'Unknown')
    return health('Progressing', 'Waiting for RabbitMQ cluster readiness (conditions unknown)');
  if (available.status === 'False') return health('Progressing', 'Waiting for RabbitMQ cluster formation');
  return replicas.status === 'False' ? health('Progressing', 'Waiting for RabbitMQ instances ready') : health('Healthy', 'RabbitMQ cluster ready');
}

/** Brokers and what lives in them. */
export const messagingRules: RuleTable = {
  ...forKinds('kafka.strimzi.io', STRIMZI, assessStrimzi),
  'kafka.strimzi.io/KafkaRebalance': assessRebalance,
  'kafka.banzaicloud.io/KafkaCluster': assessKafkaCluster,
  ...forKinds('platform.confluent.io', CONFLUENT_CLUSTERS, assessConfluentCluster),
  ...forKinds('platform.confluent.io', CONFLUENT_ENTITIES, assessConfluentEntity),
  'platform.confluent.io/Connector': assessConnector,
  ...forKinds('rabbitmq.com', TOPOLOGY, assessTopology),
  'rabbitmq.com/RabbitmqCluster': assessRabbitCluster,
};
