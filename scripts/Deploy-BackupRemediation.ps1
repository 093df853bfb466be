<#
.SYNOPSIS
Runs the program on one VM with Azure PowerShell, waits for its end and returns its status message.
.DESCRIPTION
It runs again even where it ran with the same settings before. Needs the modules Az.Compute and Az.Resources, a sign-in
(Connect-AzAccount) and the role Virtual Machine Contributor.
.PARAMETER Via
How it gets into the VM. extension: as the extension, once somebody has published it. run-command: by Run Command.
custom-script: by Microsoft's Custom Script extension, of which a VM has one: it takes the place of another script.
vm-application: as a VM Application, which holds its settings.
.PARAMETER ProtectedSettingsPath
A JSON file, so that no secret stands in the history or on a command line. With custom-script on Windows it holds the
https URL of such a JSON file.
.PARAMETER Package
With run-command and custom-script: https URL where the VM downloads the package from. It may carry a key.
.PARAMETER Sha256
SHA-256 of the package.
.PARAMETER ApplicationVersion
With vm-application: id of the version in a gallery (manifest/arm/vm-application.json makes one).
.PARAMETER Remove
Takes it off the VM; the journal of what it changed stays there.
.EXAMPLE
./Deploy-BackupRemediation.ps1 -ResourceGroupName group -VMName vm1 -Mode fix -MaxDisruption agent-restart
.EXAMPLE
./Deploy-BackupRemediation.ps1 -ResourceGroupName group -VMName vm1 -Via run-command -Package URL -Sha256 HEX
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidateNotNullOrEmpty()] [string] $ResourceGroupName,
    [Parameter(Mandatory)] [ValidateNotNullOrEmpty()] [string] $VMName,
    [ValidateSet('extension', 'run-command', 'custom-script', 'vm-application')] [string] $Via = 'extension',
    [ValidateSet('diagnose', 'fix')] [string] $Mode = 'diagnose',
    [ValidateSet('none', 'agent-restart', 'service-restart', 'workload')] [string] $MaxDisruption = 'service-restart',
    [ValidateSet('off', 'watch', 'repair')] [string] $Guard = 'off',
    [ValidatePattern('^[A-Za-z0-9_.-]{0,128}$')] [string] $ErrorCode = '',
    [ValidatePattern('^[a-z0-9-]+$')] [string[]] $Only = @(),
    [ValidatePattern('^[a-z0-9-]+$')] [string[]] $Exclude = @(),
    [switch] $AllowSecurityChanges,
    [switch] $RepairRisks,
    [ValidateSet('off', 'read', 'repair')] [string] $Azure = 'off',
    [ValidateSet('no', 'snapshot', 'vault')] [string] $Prove = 'no',
    [switch] $Rehearsal,
    [switch] $FailOnUnresolved,
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf })] [string] $ProtectedSettingsPath,
    [ValidatePattern('^https://')] [string] $Package,
    [ValidatePattern('^[0-9A-Fa-f]{64}$')] [string] $Sha256,
    [ValidatePattern('/galleries/[^/]+/applications/[^/]+/versions/[^/]+$')] [string] $ApplicationVersion,
    [switch] $Remove
)
$ErrorActionPreference = 'Stop'

if ($Via -in 'run-command', 'custom-script' -and -not ($Package -and $Sha256)) { throw "-Via ${Via}: -Package and -Sha256 are needed" }
if ($Via -eq 'vm-application') {
    if (-not $ApplicationVersion) { throw '-Via vm-application: -ApplicationVersion is needed' }
    foreach ($name in 'Mode', 'MaxDisruption', 'Guard', 'ErrorCode', 'Only', 'Exclude', 'AllowSecurityChanges', 'RepairRisks', 'Rehearsal', 'FailOnUnresolved', 'ProtectedSettingsPath') {
        if ($PSBoundParameters.ContainsKey($name)) {
            throw "-${name}: the settings of a VM Application are those of its version; give them to manifest/arm/vm-application.json"
        }
    }
}

$vm = Get-AzVM -ResourceGroupName $ResourceGroupName -Name $VMName
$isWindowsVM = $vm.StorageProfile.OsDisk.OsType -eq 'Windows'
if ($isWindowsVM -and $Via -eq 'run-command' -and $ProtectedSettingsPath) {
    throw '-ProtectedSettingsPath: how Run Command on Windows hands them over is not documented; use -Via custom-script'
}
$place = @{ ResourceGroupName = $ResourceGroupName; VMName = $VMName }

$settings = [ordered] @{ mode = $Mode; maxDisruption = $MaxDisruption }
if ($ErrorCode) { $settings.errorCode = $ErrorCode }
if ($Guard -ne 'off') { $settings.guard = $Guard }
if ($Only) { $settings.only = @($Only) }
if ($Exclude) { $settings.exclude = @($Exclude) }
if ($AllowSecurityChanges) { $settings.allowSecurityChanges = $true }
if ($RepairRisks) { $settings.repairRisks = $true }
if ($Azure -ne 'off') { $settings.azure = $Azure }
if ($Prove -ne 'no') { $settings.prove = $Prove }
if ($Rehearsal) { $settings.rehearsal = $true }
if ($FailOnUnresolved) { $settings.failOnUnresolved = $true }

# Deploys manifest/arm/$Name.json with all that was asked for.
function Publish-Template([string] $Name) {
    $parameters = @{
        vmName        = $VMName
        osType        = if ($isWindowsVM) { 'Windows' } else { 'Linux' }
        location      = $vm.Location
        packageUri    = $Package
        packageSha256 = $Sha256
        settings      = $settings
        action        = if ($Remove) { 'remove' } else { 'apply' }
    }
    if ($ProtectedSettingsPath -and $isWindowsVM) {
        $parameters.protectedSettingsUri = (Get-Content -LiteralPath $ProtectedSettingsPath -Raw).Trim()
        if ($parameters.protectedSettingsUri -notmatch '^https://\S+$') {
            throw '-ProtectedSettingsPath: on Windows expected a file with the https URL of a JSON file'
        }
    } elseif ($ProtectedSettingsPath) {
        # As the plain tables that a template parameter may be: ConvertFrom-Json makes objects.
        $parameters.protectedSettings = @{}
        foreach ($property in (Get-Content -LiteralPath $ProtectedSettingsPath -Raw | ConvertFrom-Json).PSObject.Properties) {
            $parameters.protectedSettings[$property.Name] = $property.Value
        }
    }
    $null = New-AzResourceGroupDeployment -ResourceGroupName $ResourceGroupName -Name "backup-remediation-$VMName" `
        -TemplateFile (Join-Path $PSScriptRoot "../manifest/arm/$Name.json") -TemplateParameterObject $parameters
}

function Get-Message([string] $Name) {
    (Get-AzVMExtension @place -Name $Name -Status).Statuses[0].Message
}

switch ($Via) {
    'extension' {
        # Of manifest/identity.json; a test compares them.
        $type = if ($isWindowsVM) { 'BackupRemediation' } else { 'BackupRemediationLinux' }
        if ($Remove) {
            $null = Remove-AzVMExtension @place -Name $type -Force
            return
        }
        $extension = @{
            Location           = $vm.Location
            Publisher          = 'Community.Backup'
            ExtensionType      = $type
            Name               = $type
            TypeHandlerVersion = '1.0'
            SettingString      = ConvertTo-Json -InputObject $settings -Compress
            ForceRerun         = [guid]::NewGuid().ToString()
        }
        if ($ProtectedSettingsPath) {
            $extension.ProtectedSettingString = Get-Content -LiteralPath $ProtectedSettingsPath -Raw
        }
        $null = Set-AzVMExtension @place @extension
        Get-Message $type
    }
    'run-command' {
        Publish-Template 'run-command'
        $view = (Get-AzVMRunCommand @place -RunCommandName 'backup-remediation' -Expand InstanceView).InstanceView
        if ($Remove) { $null = Remove-AzVMRunCommand @place -RunCommandName 'backup-remediation' }
        $view.Output
        if ($view.ExitCode -ne 0) { throw "The script ended with exit code $($view.ExitCode). $($view.Error)" }
    }
    'custom-script' {
        Publish-Template 'custom-script'
        $name = if ($isWindowsVM) { 'CustomScriptExtension' } else { 'CustomScript' }
        Get-Message $name
        if ($Remove) { $null = Remove-AzVMExtension @place -Name $name -Force }
    }
    'vm-application' {
        # Ours goes first, because a version that is there is not run again. The others stay as they are.
        $ours = $vm.ApplicationProfile.GalleryApplications |
            Where-Object { ($_.PackageReferenceId -replace '/versions/.*') -eq ($ApplicationVersion -replace '/versions/.*') }
        foreach ($one in @($ours)) {  # these change $vm
            $null = Remove-AzVmGalleryApplication -VM $vm -GalleryApplicationsReferenceId $one.PackageReferenceId
        }
        if ($ours) { $null = Update-AzVM -ResourceGroupName $ResourceGroupName -VM $vm }
        if ($Remove) { return }
        $application = New-AzVmGalleryApplication -PackageReferenceId $ApplicationVersion
        $null = Add-AzVmGalleryApplication -VM $vm -GalleryApplication $application
        $null = Update-AzVM -ResourceGroupName $ResourceGroupName -VM $vm
        Get-Message 'VMAppExtension'
        'What the program printed is in the VM, and its report:'
        if ($isWindowsVM) { '%ProgramData%\BackupRemediation\logs' } else { '/var/lib/backup-remediation/logs' }
    }
}
