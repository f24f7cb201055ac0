$ mkfifo p; stat -c %F p
fifo

$ mkfifo -m 600 p; stat -c %a p
600

$ mkfifo p q; ls
p
q

$ mkfifo p; mkfifo p
? 1

$ mkfifo
? 1

$ mkfifo missing/p
? 1

$ mkfifo p; echo x >p & cat p
x

$ mkfifo -m a=r p; stat -c %a p
444

$ mkfifo -m 666 p; stat -c %a p
666
