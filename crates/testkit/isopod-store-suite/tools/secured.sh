#!/bin/sh
# Turns authentication on and leaves tokens of root and u in files of their names.
grpc Auth/UserAdd '{"name":"root","password":"p"}' \
    Auth/RoleAdd '{"name":"root"}' \
    Auth/UserGrantRole '{"user":"root","role":"root"}' \
    Auth/RoleAdd '{"name":"r"}' \
    Auth/RoleGrantPermission \
    '{"name":"r","perm":{"key":"a","range_end":"b","permType":"READWRITE"}}' \
    Auth/UserAdd '{"name":"u","password":"pu"}' \
    Auth/UserGrantRole '{"user":"u","role":"r"}' \
    Auth/AuthEnable >/dev/null
grpc -q /token Auth/Authenticate '{"name":"root","password":"p"}' >root
grpc -q /token Auth/Authenticate '{"name":"u","password":"pu"}' >u
