metadata description = 'Diagnoses, and on request repairs, Azure Backup of one VM by the Custom Script extension, where no extension type of ours is published.'

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

@description('Linux: settings that nobody else may see.')
@secure()
param protectedSettings object = {}

@description('Windows: https URL of a JSON file with the settings that nobody else may see. A script\'s command line is open to everybody in the VM, so it is downloaded, and deleted when it is read.')
@secure()
param protectedSettingsUri string = ''

@description('remove takes the program off the VM again.')
@allowed([
  'apply'
  'remove'
])
param action string = 'apply'

@description('Any text. The script runs again when its settings or this text change, and this does with every deployment.')
param forceRunStamp string = utcNow()

var isWindows = osType == 'Windows'
// The handler keeps the script in a folder of root's. It removes itself all the same, because of its assignments.
var linuxScript = base64('#!/bin/sh\nrm -f -- "$0"\npackageUri=\'${replace(packageUri, '\'', '%27')}\'\npackageSha256=\'${replace(packageSha256, '\'', '')}\'\nsettings=${base64(string(settings))}\nprotectedSettings=${base64(string(protectedSettings))}\naction=${action}\n${loadTextContent('../run/run.sh')}')
var protectedArgument = empty(protectedSettingsUri) ? '' : ' -ProtectedSettingsFile \'${last(split(split(protectedSettingsUri, '?')[0], '/'))}\''
var windowsScript = replace(replace(replace(trim(loadTextContent('../run/start-windows.txt')), 'PACKAGE', last(split(split(packageUri, '?')[0], '/'))), 'SHA256', packageSha256), 'ARGUMENTS', '-Action ${action} -Settings ${base64(string(settings))}${protectedArgument}')

resource vm 'Microsoft.Compute/virtualMachines@2024-07-01' existing = {
  name: vmName
}

resource script 'Microsoft.Compute/virtualMachines/extensions@2024-07-01' = {
  parent: vm
  name: isWindows ? 'CustomScriptExtension' : 'CustomScript'
  location: location
  properties: {
    publisher: isWindows ? 'Microsoft.Compute' : 'Microsoft.Azure.Extensions'
    type: isWindows ? 'CustomScriptExtension' : 'CustomScript'
    typeHandlerVersion: isWindows ? '1.10' : '2.1'
    autoUpgradeMinorVersion: true
    suppressFailures: true
    settings: {}
    protectedSettings: isWindows ? {
      fileUris: empty(protectedSettingsUri) ? [packageUri] : [packageUri, protectedSettingsUri]
      commandToExecute: 'powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass -Command "${windowsScript}"'
    } : {
      script: linuxScript
    }
    forceUpdateTag: forceRunStamp
  }
}
