metadata description = 'Diagnoses, and on request repairs, Azure Backup of one VM by Run Command, where no extension type is published.'

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

@description('The package that scripts/release makes, as an https URL that the VM can download from. It may carry a key.')
@secure()
param packageUri string

@description('SHA-256 of the package, as SHA256SUMS of the release says. Nothing of it runs before that is verified.')
@minLength(64)
@maxLength(64)
param packageSha256 string

@description('What settings.schema.json describes.')
param settings object = {
  mode: 'diagnose'
}

@description('Settings that nobody else may see. On Windows, Custom Script is the better way for them: how Run Command hands them to its script there is not documented.')
@secure()
param protectedSettings object = {}

@description('remove takes the program off the VM again.')
@allowed([
  'apply'
  'remove'
])
param action string = 'apply'

@description('Any text. Run Command runs again when a parameter changes, and this one does with every deployment.')
param forceRunStamp string = utcNow()

resource vm 'Microsoft.Compute/virtualMachines@2024-07-01' existing = {
  name: vmName
}

resource run 'Microsoft.Compute/virtualMachines/runCommands@2024-07-01' = {
  parent: vm
  name: 'backup-remediation'
  location: location
  properties: {
    source: {
      script: osType == 'Windows' ? loadTextContent('../run/run.ps1') : loadTextContent('../run/run.sh')
    }
    parameters: [
      {
        name: 'packageSha256'
        value: packageSha256
      }
      {
        name: 'settings'
        value: base64(string(settings))
      }
      {
        name: 'action'
        value: action
      }
      {
        name: 'forceRunStamp'
        value: forceRunStamp
      }
    ]
    protectedParameters: [
      {
        name: 'packageUri'
        value: packageUri
      }
      {
        name: 'protectedSettings'
        value: base64(string(protectedSettings))
      }
    ]
    timeoutInSeconds: 3600
    asyncExecution: false
    treatFailureAsDeploymentFailure: false
  }
}
