# Stands in for the modules Az.Compute and Az.Resources: the cmdlets that our scripts call, with the parameters and types that
# Microsoft documents for them (learn.microsoft.com/powershell/module/az.compute). Each call is written as a line of JSON
# to the file that $env:AZ_CALLS names. $env:AZ_VM is the VM as JSON; $env:AZ_EXIT_CODE, what a script in it ended with.
Set-StrictMode -Version Latest
$ErrorActionPreference = 'Stop'

class PSVMGalleryApplication {
    [string] $PackageReferenceId
    [string] $ConfigReferenceId
}
class PSApplicationProfile { [Collections.Generic.List[PSVMGalleryApplication]] $GalleryApplications = @() }
class PSOSDisk { [string] $OsType }
class PSStorageProfile { [PSOSDisk] $OsDisk }
class PSVirtualMachine {
    [string] $Name
    [string] $Location
    [PSStorageProfile] $StorageProfile
    [PSApplicationProfile] $ApplicationProfile
}

function Write-Call($Invocation, $Parameters) {
    $shown = @{}
    foreach ($name in $Parameters.Keys) {
        $value = $Parameters[$name]
        $shown[$name] = $value
        if ($value -is [PSVirtualMachine]) { $shown[$name] = @($value.ApplicationProfile.GalleryApplications.PackageReferenceId) }
    }
    $call = ConvertTo-Json -Compress -Depth 10 @{ cmdlet = $Invocation.MyCommand.Name; parameters = $shown }
    [IO.File]::AppendAllText($env:AZ_CALLS, "$call`n")
}

function Get-AzVM {
    [CmdletBinding()] param([string] $ResourceGroupName, [string] $Name, [switch] $Status)
    Write-Call $MyInvocation $PSBoundParameters
    $asked = ConvertFrom-Json $env:AZ_VM
    if ($asked.name -ne $Name) { throw "The Resource 'Microsoft.Compute/virtualMachines/$Name' was not found." }
    $vm = [PSVirtualMachine] @{ Name = $Name; Location = 'westeurope' }
    $vm.StorageProfile = [PSStorageProfile] @{ OsDisk = [PSOSDisk] @{ OsType = $asked.system } }
    $vm.ApplicationProfile = [PSApplicationProfile]::new()
    foreach ($id in @($asked.applications)) {
        if ($id) { $vm.ApplicationProfile.GalleryApplications.Add([PSVMGalleryApplication] @{ PackageReferenceId = $id }) }
    }
    $vm
}

function Set-AzVMExtension {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $ResourceGroupName, [Parameter(Mandatory)] [string] $VMName,
        [Parameter(Mandatory)] [string] $Name, [Parameter(Mandatory)] [string] $Publisher,
        [Parameter(Mandatory)] [Alias('Type')] [string] $ExtensionType,
        [Parameter(Mandatory)] [Alias('HandlerVersion', 'Version')] [string] $TypeHandlerVersion,
        [string] $SettingString, [string] $ProtectedSettingString, [string] $Location, [switch] $DisableAutoUpgradeMinorVersion,
        [string] $ForceRerun, [bool] $EnableAutomaticUpgrade, [switch] $NoWait)
    Write-Call $MyInvocation $PSBoundParameters
}

function Get-AzVMExtension {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $ResourceGroupName, [Parameter(Mandatory)] [string] $VMName,
        [Alias('ExtensionName')] [string] $Name, [switch] $Status)
    Write-Call $MyInvocation $PSBoundParameters
    [pscustomobject] @{ Statuses = @([pscustomobject] @{ Code = 'ProvisioningState/succeeded'; Message = 'Nothing to do in this VM.' }) }
}

function Remove-AzVMExtension {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $ResourceGroupName, [Parameter(Mandatory)] [string] $VMName,
        [Parameter(Mandatory)] [Alias('ExtensionName')] [string] $Name, [switch] $Force, [switch] $NoWait)
    Write-Call $MyInvocation $PSBoundParameters
}

function New-AzResourceGroupDeployment {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [string] $Name, [Parameter(Mandatory)] [string] $ResourceGroupName, [Parameter(Mandatory)] [string] $TemplateFile,
        [hashtable] $TemplateParameterObject)
    if (-not (Test-Path $TemplateFile)) { throw "Cannot find $TemplateFile" }
    Write-Call $MyInvocation $PSBoundParameters
}

function Get-AzVMRunCommand {
    [CmdletBinding()]
    param(
        [Parameter(Mandatory)] [string] $ResourceGroupName, [Parameter(Mandatory)] [string] $VMName,
        [string] $RunCommandName, [string] $Expand)
    Write-Call $MyInvocation $PSBoundParameters
    [pscustomobject] @{ InstanceView = if ($Expand -eq 'InstanceView') {
            [pscustomobject] @{ ExitCode = [int] $env:AZ_EXIT_CODE; Output = 'Nothing to do in this VM.'; Error = 'its error' } } }
}

function Remove-AzVMRunCommand {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [string] $ResourceGroupName, [Parameter(Mandatory)] [string] $VMName,
        [Parameter(Mandatory)] [string] $RunCommandName, [switch] $NoWait)
    Write-Call $MyInvocation $PSBoundParameters
}

function New-AzVmGalleryApplication {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory)] [string] $PackageReferenceId, [string] $ConfigReferenceId)
    Write-Call $MyInvocation $PSBoundParameters
    [PSVMGalleryApplication] @{ PackageReferenceId = $PackageReferenceId }
}

function Add-AzVmGalleryApplication {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [Parameter(Mandatory)] [PSVirtualMachine] $VM, [Parameter(Mandatory)] [PSVMGalleryApplication] $GalleryApplication,
        [int] $Order, [switch] $TreatFailureAsDeploymentFailure)
    $VM.ApplicationProfile.GalleryApplications.Add($GalleryApplication)
}

function Remove-AzVmGalleryApplication {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory)] [PSVirtualMachine] $VM, [Parameter(Mandatory)] [string] $GalleryApplicationsReferenceId)
    foreach ($one in @($VM.ApplicationProfile.GalleryApplications)) {
        if ($one.PackageReferenceId -eq $GalleryApplicationsReferenceId) { $null = $VM.ApplicationProfile.GalleryApplications.Remove($one) }
    }
}

function Update-AzVM {
    [CmdletBinding(SupportsShouldProcess)]
    param([Parameter(Mandatory)] [string] $ResourceGroupName, [Parameter(Mandatory)] [PSVirtualMachine] $VM, [switch] $NoWait)
    Write-Call $MyInvocation $PSBoundParameters
}
