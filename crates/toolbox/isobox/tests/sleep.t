$ sleep 0

$ sleep 0.1

$ sleep x
? 1

$ sleep
? 1

$ sleep 0.1s 0.1

$ sleep -- 0
~ busybox: says: invalid number '--'

$ sleep -1
? 1

$ sleep 0m 0h 0d
