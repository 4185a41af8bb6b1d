import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
  type AclEntry,
} from 'kafkajs';

const OPERATIONS = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Create: AclOperationTypes.CREATE,
  Delete: AclOperationTypes.DELETE,
  Describe: AclOperationTypes.DESCRIBE,
  DescribeConfigs: AclOperationTypes.DESCRIBE_CONFIGS,
} as const;

const RESOURCES = {
  topic: AclResourceTypes.TOPIC,
  group: AclResourceTypes.GROUP,
  'transactional id': AclResourceTypes.TRANSACTIONAL_ID,
  cluster: AclResourceTypes.CLUSTER,
} as const;

/** One line of an access control list, for one principal. */
export interface Right {
  readonly operation: keyof typeof OPERATIONS;
  readonly resource: keyof typeof RESOURCES;
  readonly name: string;
  /** The name stands for all that begin with it. */
  readonly prefixed?: boolean;
}

/** Grants rights to principals, from any host. */
export async function grant(
  brokers: readonly string[],
  rights: ReadonlyMap<string, readonly Right[]>,
): Promise<void> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'test-acls', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const acl = [...rights].flatMap(([principal, list]) => list.map((right) => entry(principal, right)));
    await admin.createAcls({ acl });
  } finally {
    await admin.disconnect();
  }
}

function entry(principal: string, { operation, resource, name, prefixed = false }: Right): AclEntry {
  return {
    principal,
    host: '*',
    operation: OPERATIONS[operation],
    permissionType: AclPermissionTypes.ALLOW,
    resourceType: RESOURCES[resource],
    resourceName: name,
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
  };
}
