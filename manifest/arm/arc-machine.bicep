metadata description = 'Diagnoses, and on request repairs, what VSS needs on a Windows server connected by Azure Arc.'

@description('Name of the Arc-enabled server. It has to run Windows.')
param machineName string

@description('Region of the machine; unless given, that of the resource group.')
param location string = resourceGroup().location

@description('diagnose changes nothing; fix also repairs what maxDisruption allows, and takes back what did not help.')
@allowed([
  'diagnose'
  'fix'
])
param mode string = 'diagnose'

@description('The worst a fix may do to the VM; each level includes those before it. none: files and settings of Azure Backup itself. agent-restart: the guest agent restarts. service-restart: services whose restart users do not feel. workload: production services, an unmount, anything that can lose data.')
@allowed([
  'none'
  'agent-restart'
  'service-restart'
  'workload'
])
param maxDisruption string = 'service-restart'

@description('Repairs also what protects the VM, or may have been switched off to protect it: a firewall rule, TLS, an exclusion from antivirus, a disabled service. Without it such a repair is told, with the command.')
param allowSecurityChanges bool = false

@description('Repairs also what makes no backup fail today. Without it a risk is repaired only where only names it.')
param repairRisks bool = false

@description('Reports error instead of success when a problem is left. Beware: an extension in error puts the VM into the Failed provisioning state, which alone makes backups fail.')
param failOnUnresolved bool = false

@description('Looks at these causes alone: what every backup by VSS needs. The others belong to the guest agent and the backup of Azure VMs, which an Arc-enabled server does not have.')
param only array = [
  'com-plus-service'
  'msdtc-account'
  'msdtc-not-running'
  'msdtc-damaged'
]

@description('Any text. The extension runs when its settings change; changing this text alone makes it run again.')
param forceRunStamp string = ''

resource machine 'Microsoft.HybridCompute/machines@2024-07-10' existing = {
  name: machineName
}

resource remediation 'Microsoft.HybridCompute/machines/extensions@2024-07-10' = {
  parent: machine
  name: 'BackupRemediation'
  location: location
  properties: {
    publisher: 'Community.Backup'
    type: 'BackupRemediation'
    typeHandlerVersion: '1.0'
    autoUpgradeMinorVersion: true
    settings: {
      mode: mode
      maxDisruption: maxDisruption
      allowSecurityChanges: allowSecurityChanges
      repairRisks: repairRisks
      failOnUnresolved: failOnUnresolved
      only: only
    }
    forceUpdateTag: forceRunStamp
  }
}
