$ logname x 2>/dev/null
? 1
