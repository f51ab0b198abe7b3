-- Over snort.lua: the port scan inspector, and alerts with all that helps a grade.
port_scan = default_med_port_scan
ips.enable_builtin_rules = true
alert_json = {
    file = true,
    fields = 'seconds timestamp pkt_num proto src_addr src_port dst_addr dst_port gid sid rev msg class priority',
}
