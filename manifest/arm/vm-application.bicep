metadata description = 'The program as a VM Application of an Azure Compute Gallery, which policies can assign where no extension type is published.'

@description('Name of the gallery, which has to be there.')
param galleryName string

@description('Operating system of the machines.')
@allowed([
  'Linux'
  'Windows'
])
param osType string

@description('Region of the gallery; unless given, that of the resource group.')
param location string = resourceGroup().location

@description('Where machines are, the gallery\'s region among them: [{"name": "westeurope"}, ...].')
param targetRegions array = [
  {
    name: location
  }
]

@description('Name of the application.')
param applicationName string = 'BackupRemediation${osType}'

@description('Version of the application, three numbers. A machine runs the program when it gets a version that it does not have.')
param version string

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

var arguments = base64(string(settings))
var package = 'backup-remediation.zip'
var linuxCommand = replace(replace(replace(trim(loadTextContent('../run/start-linux.txt')), 'PACKAGE', package), 'SHA256', packageSha256), 'ARGUMENTS', 'settings=${arguments}')
var windowsScript = replace(replace(replace(trim(loadTextContent('../run/start-windows.txt')), 'PACKAGE', package), 'SHA256', packageSha256), 'ARGUMENTS', '-Settings ${arguments}')
var powershell = 'powershell -NoProfile -NonInteractive -ExecutionPolicy Bypass'
var install = osType == 'Windows' ? '${powershell} -Command "${windowsScript}"' : linuxCommand

resource gallery 'Microsoft.Compute/galleries@2023-07-03' existing = {
  name: galleryName
}

resource application 'Microsoft.Compute/galleries/applications@2023-07-03' = {
  parent: gallery
  name: applicationName
  location: location
  properties: {
    supportedOSType: osType
    description: 'Finds out why Azure Backup of a VM fails, and repairs it'
  }
}

resource applicationVersion 'Microsoft.Compute/galleries/applications/versions@2023-07-03' = {
  parent: application
  name: version
  location: location
  properties: {
    publishingProfile: {
      source: {
        mediaLink: packageUri
      }
      manageActions: {
        install: install
        update: install
        remove: osType == 'Windows' ? '${powershell} -File run.ps1 -Action remove' : 'action=remove sh ./run.sh'
      }
      settings: {
        packageFileName: package
      }
      targetRegions: targetRegions
    }
  }
}

@description('What a VM, a scale set or a policy assigns.')
output applicationVersionId string = applicationVersion.id
