<#
.SYNOPSIS
Runs the extension on one VM with Azure PowerShell, waits for its end and returns its status message.
.DESCRIPTION
It runs again even where it ran with the same settings before. Needs the module Az.Compute, a sign-in
(Connect-AzAccount) and the role Virtual Machine Contributor.
.PARAMETER ProtectedSettingsPath
A JSON file, so that no secret stands in the history or on a command line.
.EXAMPLE
./Deploy-BackupRemediation.ps1 -ResourceGroupName group -VMName vm1 -Mode fix -MaxDisruption agent-restart
#>
[CmdletBinding()]
param(
    [Parameter(Mandatory)] [ValidateNotNullOrEmpty()] [string] $ResourceGroupName,
    [Parameter(Mandatory)] [ValidateNotNullOrEmpty()] [string] $VMName,
    [ValidateSet('diagnose', 'fix')] [string] $Mode = 'diagnose',
    [ValidateSet('none', 'agent-restart', 'service-restart', 'workload')] [string] $MaxDisruption = 'service-restart',
    [ValidatePattern('^[A-Za-z0-9_.-]{0,128}$')] [string] $ErrorCode = '',
    [ValidatePattern('^[a-z0-9-]+$')] [string[]] $Only = @(),
    [ValidatePattern('^[a-z0-9-]+$')] [string[]] $Exclude = @(),
    [ValidateSet('off', 'read')] [string] $Azure = 'off',
    [switch] $Rehearsal,
    [switch] $FailOnUnresolved,
    [ValidateScript({ Test-Path -LiteralPath $_ -PathType Leaf })] [string] $ProtectedSettingsPath
)
$ErrorActionPreference = 'Stop'

$vm = Get-AzVM -ResourceGroupName $ResourceGroupName -Name $VMName
# Of manifest/identity.json; a test compares them.
$type = if ($vm.StorageProfile.OsDisk.OsType -eq 'Windows') { 'BackupRemediation' } else { 'BackupRemediationLinux' }

$settings = [ordered] @{ mode = $Mode; maxDisruption = $MaxDisruption }
if ($ErrorCode) { $settings.errorCode = $ErrorCode }
if ($Only) { $settings.only = @($Only) }
if ($Exclude) { $settings.exclude = @($Exclude) }
if ($Azure -ne 'off') { $settings.azure = $Azure }
if ($Rehearsal) { $settings.rehearsal = $true }
if ($FailOnUnresolved) { $settings.failOnUnresolved = $true }

$extension = @{
    ResourceGroupName  = $ResourceGroupName
    VMName             = $VMName
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
$null = Set-AzVMExtension @extension

(Get-AzVMExtension -ResourceGroupName $ResourceGroupName -VMName $VMName -Name $type -Status).Statuses[0].Message
