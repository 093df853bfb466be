metadata description = 'Diagnoses, and on request repairs, Azure Backup of one VM from inside it.'

@description('Name of the VM. It has to run.')
param vmName string

@description('Operating system of the machine.')
@allowed([
  'Linux'
  'Windows'
])
param osType string

@description('Region of the machine; unless given, that of the resource group.')
param location string = resourceGroup().location

@description('diagnose changes nothing; fix also repairs what maxDisruption allows, and takes back what did not help.')
@allowed([
  'diagnose'
  'fix'
])
param mode string = 'diagnose'

@description('The error code that Azure Backup reports for this VM. It helps to tell the cause from its consequences.')
@maxLength(128)
param errorCode string = ''

@description('Looks at these causes alone; empty means all. May not share an id with exclude.')
param only array = []

@description('Leaves these causes out.')
param exclude array = []

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

@description('Linux: freezes the file systems that a backup would freeze for some milliseconds and thaws them, to prove that the next backup can. Not while a backup runs.')
param rehearsal bool = false

@description('Rehearses the file systems that hold /, this extension, its logs or its state too. Needs rehearsal.')
param rehearsalIncludesSystem bool = false

@description('off; watch: a timer looks every hour whether a backup failed or the guest agent is dead, diagnoses and reports, without anybody deploying anything again; repair: it also repairs one cause at a time, within maxDisruption, only and exclude, and the next backup proves it.')
@allowed([
  'off'
  'watch'
  'repair'
])
param guard string = 'off'

@description('read: asks Azure Resource Manager as the VM\'s managed identity, which changes nothing: the vault\'s jobs and their error, the VM\'s state, locks, restore points, policies. repair, with mode fix: once this extension has ended it also renews the VM\'s failed state (reapply), deletes Azure Backup\'s own failed extension, registers the resource providers that a backup needs, and cancels a backup that hangs in its snapshot. off: not one packet goes there.')
@allowed([
  'off'
  'read'
  'repair'
])
param azure string = 'off'

@description('With mode fix and azure: starts a backup once nothing is left that makes it fail, and says when its recovery point exists, how consistent it is and where it lies. snapshot: the recovery point of its snapshot is enough, minutes after the start; vault: it has to be in the vault. The recovery point expires after two days.')
@allowed([
  'no'
  'snapshot'
  'vault'
])
param prove string = 'no'

@description('Settings that nobody else may see, such as a URL that carries a key. A key that stands here may not stand in settings too.')
@secure()
param protectedSettings object = {}

@description('Any text. The extension runs when its settings change; changing this text alone makes it run again.')
param forceRunStamp string = ''

var extensionType = osType == 'Windows' ? 'BackupRemediation' : 'BackupRemediationLinux'

resource vm 'Microsoft.Compute/virtualMachines@2024-07-01' existing = {
  name: vmName
}

resource remediation 'Microsoft.Compute/virtualMachines/extensions@2024-07-01' = {
  parent: vm
  name: extensionType
  location: location
  properties: {
    publisher: 'Community.Backup'
    type: extensionType
    typeHandlerVersion: '1.0'
    autoUpgradeMinorVersion: true
    suppressFailures: !failOnUnresolved
    settings: {
      mode: mode
      errorCode: errorCode
      only: only
      exclude: exclude
      maxDisruption: maxDisruption
      allowSecurityChanges: allowSecurityChanges
      repairRisks: repairRisks
      failOnUnresolved: failOnUnresolved
      rehearsal: rehearsal
      rehearsalIncludesSystem: rehearsalIncludesSystem
      guard: guard
      azure: azure
      prove: prove
    }
    protectedSettings: protectedSettings
    forceUpdateTag: forceRunStamp
  }
}
