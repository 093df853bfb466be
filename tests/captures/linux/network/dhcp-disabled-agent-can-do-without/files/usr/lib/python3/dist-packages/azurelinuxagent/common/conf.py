__STRING_OPTIONS__ = {
    "Protocol.EndpointDiscovery": "dhcp"
}
