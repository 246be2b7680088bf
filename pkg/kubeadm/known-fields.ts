/**
 * The names of all fields that a configuration document may have, as upstream's types of v1.37
 * have them: what is not among them is a mistake, and what is among them but not ours is told. Pure
 * data.
 */

/** A field's own fields; a list of such; or "any": whatever it holds is not looked into. */
export type KnownField = "any" | readonly [KnownFields] | KnownFields;
export interface KnownFields {
  readonly [name: string]: KnownField;
}

/** Fields that are not looked into, by their names with spaces between. */
const leaves = (names: string): KnownFields =>
  Object.fromEntries(names.split(" ").map((name) => [name, "any" as const]));

/** InitConfiguration */
export const initFields: KnownFields = {
  ...leaves("dryRun certificateKey skipPhases"),
  bootstrapTokens: [leaves("token description ttl expires usages groups")],
  nodeRegistration: {
    ...leaves("name criSocket taints ignorePreflightErrors imagePullPolicy " + "imagePullSerial"),
    kubeletExtraArgs: [leaves("name value")],
  },
  localAPIEndpoint: leaves("advertiseAddress bindPort"),
  patches: leaves("directory"),
  timeouts: leaves(
    "controlPlaneComponentHealthCheck kubeletHealthCheck kubernetesAPICall " +
      "etcdAPICall tlsBootstrap discovery upgradeManifests",
  ),
};

/** ClusterConfiguration */
export const clusterFields: KnownFields = {
  ...leaves(
    "kubernetesVersion controlPlaneEndpoint certificatesDir imageRepository " +
      "featureGates clusterName encryptionAlgorithm certificateValidityPeriod " +
      "caCertificateValidityPeriod",
  ),
  etcd: {
    local: {
      ...leaves("imageRepository imageTag dataDir serverCertSANs peerCertSANs"),
      extraArgs: [leaves("name value")],
      extraEnvs: [leaves("name value valueFrom")],
    },
    external: leaves("endpoints httpEndpoints caFile certFile keyFile"),
  },
  networking: leaves("serviceSubnet podSubnet dnsDomain"),
  apiServer: {
    ...leaves("certSANs"),
    extraArgs: [leaves("name value")],
    extraVolumes: [leaves("name hostPath mountPath readOnly pathType")],
    extraEnvs: [leaves("name value valueFrom")],
  },
  controllerManager: {
    extraArgs: [leaves("name value")],
    extraVolumes: [leaves("name hostPath mountPath readOnly pathType")],
    extraEnvs: [leaves("name value valueFrom")],
  },
  scheduler: {
    extraArgs: [leaves("name value")],
    extraVolumes: [leaves("name hostPath mountPath readOnly pathType")],
    extraEnvs: [leaves("name value valueFrom")],
  },
  dns: leaves("imageRepository imageTag disabled"),
  proxy: leaves("disabled"),
};

/** JoinConfiguration */
export const joinFields: KnownFields = {
  ...leaves("dryRun caCertPath skipPhases"),
  nodeRegistration: {
    ...leaves("name criSocket taints ignorePreflightErrors imagePullPolicy " + "imagePullSerial"),
    kubeletExtraArgs: [leaves("name value")],
  },
  discovery: {
    ...leaves("tlsBootstrapToken"),
    bootstrapToken: leaves("token apiServerEndpoint caCertHashes unsafeSkipCAVerification"),
    file: leaves("kubeConfigPath"),
  },
  controlPlane: {
    ...leaves("certificateKey"),
    localAPIEndpoint: leaves("advertiseAddress bindPort"),
  },
  patches: leaves("directory"),
  timeouts: leaves(
    "controlPlaneComponentHealthCheck kubeletHealthCheck kubernetesAPICall " +
      "etcdAPICall tlsBootstrap discovery upgradeManifests",
  ),
};

/** KubeletConfiguration */
export const kubeletFields: KnownFields = {
  ...leaves(
    "enableServer staticPodPath podLogsDir syncFrequency fileCheckFrequency " +
      "httpCheckFrequency staticPodURL staticPodURLHeader address port " +
      "readOnlyPort tlsCertFile tlsPrivateKeyFile tlsCipherSuites " +
      "tlsCurvePreferences tlsMinVersion rotateCertificates " +
      "serverTLSBootstrap registryPullQPS registryBurst " +
      "imagePullCredentialsVerificationPolicy " +
      "preloadedImagesVerificationAllowlist eventRecordQPS eventBurst " +
      "enableDebuggingHandlers enableContentionProfiling healthzPort " +
      "healthzBindAddress oomScoreAdj clusterDomain clusterDNS " +
      "streamingConnectionIdleTimeout nodeStatusUpdateFrequency " +
      "nodeStatusReportFrequency nodeLeaseDurationSeconds imageMinimumGCAge " +
      "imageMaximumGCAge imageGCHighThresholdPercent " +
      "imageGCLowThresholdPercent volumeStatsAggPeriod kubeletCgroups " +
      "systemCgroups cgroupRoot cgroupsPerQOS cgroupDriver cpuManagerPolicy " +
      "singleProcessOOMKill cpuManagerPolicyOptions cpuManagerReconcilePeriod " +
      "memoryManagerPolicy topologyManagerPolicy topologyManagerScope " +
      "topologyManagerPolicyOptions qosReserved runtimeRequestTimeout " +
      "hairpinMode maxPods podCIDR podPidsLimit resolvConf runOnce " +
      "cpuCFSQuota cpuCFSQuotaPeriod nodeStatusMaxImages maxOpenFiles " +
      "contentType kubeAPIQPS kubeAPIBurst serializeImagePulls " +
      "maxParallelImagePulls evictionHard evictionSoft " +
      "evictionSoftGracePeriod evictionPressureTransitionPeriod " +
      "evictionMaxPodGracePeriod evictionMinimumReclaim " +
      "mergeDefaultEvictionSettings podsPerCore enableControllerAttachDetach " +
      "protectKernelDefaults makeIPTablesUtilChains iptablesMasqueradeBit " +
      "iptablesDropBit featureGates failSwapOn containerLogMaxSize " +
      "containerLogMaxFiles containerLogMaxWorkers " +
      "containerLogMonitorInterval configMapAndSecretChangeDetectionStrategy " +
      "systemReserved kubeReserved reservedSystemCPUs " +
      "showHiddenMetricsForVersion systemReservedCgroup kubeReservedCgroup " +
      "enforceNodeAllocatable allowedUnsafeSysctls defaultPodSysctls " +
      "volumePluginDir providerID kernelMemcgNotification logging " +
      "enableSystemLogHandler enableSystemLogQuery shutdownGracePeriod " +
      "shutdownGracePeriodCriticalPods enableProfilingHandler " +
      "enableDebugFlagsHandler seccompDefault memoryThrottlingFactor " +
      "memoryReservationPolicy registerWithTaints registerNode tracing " +
      "localStorageCapacityIsolation containerRuntimeEndpoint " +
      "imageServiceEndpoint failCgroupV1",
  ),
  authentication: {
    x509: leaves("clientCAFile"),
    webhook: leaves("enabled cacheTTL"),
    anonymous: leaves("enabled"),
  },
  authorization: {
    ...leaves("mode"),
    webhook: leaves("cacheAuthorizedTTL cacheUnauthorizedTTL"),
  },
  memorySwap: leaves("swapBehavior"),
  shutdownGracePeriodByPodPriority: [leaves("priority shutdownGracePeriodSeconds")],
  crashLoopBackOff: leaves("maxContainerRestartPeriod"),
  reservedMemory: [leaves("numaNode limits")],
  userNamespaces: leaves("idsPerPod"),
};

/** KubeProxyConfiguration */
export const proxyFields: KnownFields = {
  ...leaves(
    "featureGates logging hostnameOverride bindAddress healthzBindAddress " +
      "metricsBindAddress bindAddressHardFail enableProfiling " +
      "showHiddenMetricsForVersion mode detectLocalMode clusterCIDR " +
      "nodePortAddresses oomScoreAdj configSyncPeriod portRange " +
      "windowsRunAsService",
  ),
  clientConnection: leaves("kubeconfig acceptContentTypes contentType qps burst"),
  iptables: leaves("masqueradeBit masqueradeAll localhostNodePorts syncPeriod " + "minSyncPeriod"),
  ipvs: leaves(
    "syncPeriod minSyncPeriod scheduler excludeCIDRs strictARP tcpTimeout " +
      "tcpFinTimeout udpTimeout",
  ),
  nftables: leaves("masqueradeBit masqueradeAll syncPeriod minSyncPeriod"),
  winkernel: leaves(
    "networkName sourceVip enableDSR rootHnsEndpointName " + "forwardHealthCheckVip",
  ),
  detectLocal: leaves("bridgeInterface interfaceNamePrefix"),
  conntrack: leaves(
    "maxPerCore min tcpEstablishedTimeout tcpCloseWaitTimeout tcpBeLiberal " +
      "udpTimeout udpStreamTimeout",
  ),
};
