# shellcheck shell=bash disable=SC2034 # variables are shared with the other parts
# dev.d/servers.sh - the web servers: how each is configured from contrib/, started, told to stop
#
# A server is described by its row and by three variables that the callers set:
#   WEB_DIR      folder of its own files    WEB_PORT   its port on 127.0.0.1
#   WEB_GATEWAY  what stands behind it: the FastCGI socket, or the program where there is no pool

# name | packages | program | file below contrib/ | pool or own | signal: finish, then stop | reload
SERVERS='lighttpd|lighttpd lighttpd-mod-deflate|lighttpd|lighttpd/marquee.conf|pool|INT|USR1
lighttpd-cgi|lighttpd lighttpd-mod-deflate|lighttpd|lighttpd/marquee-cgi.conf|own|INT|USR1
nginx|nginx|nginx|nginx/marquee.conf|pool|QUIT|HUP
apache|apache2-bin media-types|apache2|apache/marquee.conf|pool|WINCH|USR1
apache-fcgid|apache2-bin media-types libapache2-mod-fcgid|apache2|apache/marquee.conf|own|WINCH|USR1
apache-cgi|apache2-bin media-types|apache2|apache/marquee.conf|own|WINCH|USR1'

server_names() { cut -d '|' -f 1 <<<"$SERVERS" | tr '\n' ' '; }

server_field() { # name number
  awk -F '|' -v name="$1" -v n="$2" '$1 == name { print $n; found = 1 } END { exit !found }' <<<"$SERVERS"
}
server_packages() { server_field "$1" 2; }
servers_packages() { cut -d '|' -f 2 <<<"$SERVERS" | tr ' ' '\n' | sort -u; }
server_program() { command -v "$(server_field "$1" 3)"; }
server_has_pool() { [ "$(server_field "$1" 5)" = pool ]; }
server_signal() { server_field "$1" 6; }
server_reload_signal() { server_field "$1" 7; }

# The one in use: chosen by up --server and kept.
server_chosen() { cat "$STATE/server" 2>/dev/null || echo lighttpd; }

server_check_name() {
  server_field "$1" 1 >/dev/null || die "there is no web server '$1' here" "choose one of: $(server_names)"
}

# ---- configuration ----
# The same few places stand in all files of contrib/, as a stranger's machine would have them.
server_rewrite() { # file
  sed -e 's|^var.marquee_bind .*|var.marquee_bind   = "127.0.0.1"|' \
    -e "s|^var.marquee_port .*|var.marquee_port   = $WEB_PORT|" \
    -e "s|^Define marquee_port .*|Define marquee_port $WEB_PORT|" \
    -e "s|listen 80 |listen 127.0.0.1:$WEB_PORT |" \
    -e "s|/run/marquee/fcgi.sock|$WEB_GATEWAY|" \
    -e "s|/usr/libexec/marquee/marquee.fcgi|$WEB_GATEWAY|" \
    -e "s|/usr/share/doc/marquee/contrib/errors/|$WEB_DIR/errors/|" \
    -e "s|/usr/share/marquee/static/|$WEB_DIR/static/|" \
    -e "s|/var/lib/marquee/files/|$WEB_DIR/files/|" "$1"
}

# Words NAME=VALUE of our programs' environment, for servers that start them.
server_environment() {
  local word
  program_env
  for word in "${PROGRAM_ENV[@]}"; do
    case $word in *=*) echo "$word" ;; esac
  done
}

# What a distribution's own main file would say.
server_main_nginx() {
  cat <<TEXT
daemon off;
pid $WEB_DIR/nginx.pid;
error_log stderr;
worker_processes 2;
worker_rlimit_nofile 8192;
worker_shutdown_timeout 10s;
events { worker_connections 4096; }
http {
	include /etc/nginx/mime.types;
	default_type application/octet-stream;
	access_log off;
	client_body_temp_path $WEB_DIR/tmp/body;
	fastcgi_temp_path $WEB_DIR/tmp/fastcgi;
	proxy_temp_path $WEB_DIR/tmp/proxy;
	uwsgi_temp_path $WEB_DIR/tmp/uwsgi;
	scgi_temp_path $WEB_DIR/tmp/scgi;
	include $WEB_DIR/marquee.conf;
}
TEXT
}

server_main_apache() { # name
  local module modules="mpm_event authz_core alias env setenvif headers mime filter deflate reqtimeout buffer"
  case $1 in
    apache) modules+=" proxy proxy_fcgi" ;;
    apache-fcgid) modules+=" fcgid" ;;
    apache-cgi) modules+=" cgid" ;;
  esac
  [ ! -f /usr/lib/apache2/modules/mod_xsendfile.so ] || modules+=" xsendfile"
  for module in $modules; do echo "LoadModule ${module}_module /usr/lib/apache2/modules/mod_$module.so"; done
  cat <<TEXT
ServerRoot $WEB_DIR
DefaultRuntimeDir $WEB_DIR
PidFile $WEB_DIR/apache.pid
ServerName localhost
Listen 127.0.0.1:$WEB_PORT
ListenBacklog 1024
ErrorLog $LOGS/apache.log
TypesConfig /etc/mime.types
DocumentRoot $WEB_DIR/static
$([ "$1" != apache-cgi ] || echo "ScriptSock $WEB_DIR/cgid.sock")
$([ "$1" != apache-fcgid ] || printf 'FcgidIPCDir %s\nFcgidProcessTableFile %s\n' "$WEB_DIR/fcgid" "$WEB_DIR/fcgid.shm")
Include $WEB_DIR/marquee.conf
TEXT
  case $1 in
    apache-fcgid) server_environment | sed 's/^\([^=]*\)=\(.*\)/FcgidInitialEnv \1 "\2"/' ;;
    apache-cgi) server_environment | sed 's/^\([^=]*\)=\(.*\)/SetEnv \1 "\2"/' ;;
  esac
}

# lighttpd needs no file around the site's; its CGI variant includes the other one.
server_main_lighttpd() { # name
  [ "$1" = lighttpd-cgi ] || return 0
  server_rewrite "$TOP/contrib/lighttpd/marquee-cgi.conf"
  server_environment | sed 's/^\([^=]*\)=\(.*\)/setenv.add-environment += ( "\1" => "\2" )/'
}

# Writes everything into WEB_DIR; SERVER_MAIN is the file to start with.
server_configure() { # name
  local site
  site=$TOP/contrib/$(server_field "$1" 4)
  rm -rf "$WEB_DIR/errors" "$WEB_DIR/static"
  mkdir -p "$WEB_DIR/files" "$WEB_DIR/tmp" && cp -r "$TOP/contrib/errors" "$TOP/static" "$WEB_DIR/" || return
  dir_for "$APP_USER" 0755 "$WEB_DIR" && dir_for "$APP_USER" 0700 "$WEB_DIR/tmp" || return
  [ "$1" != apache-fcgid ] || dir_for "$APP_USER" 0700 "$WEB_DIR/fcgid" || return
  SERVER_MAIN=$WEB_DIR/main.conf
  case $1 in
    lighttpd*) site=$TOP/contrib/lighttpd/marquee.conf ;;&
    lighttpd) SERVER_MAIN=$WEB_DIR/marquee.conf ;;
  esac
  server_rewrite "$site" >"$WEB_DIR/marquee.conf" && "server_main_${1%%-*}" "$1" >"$WEB_DIR/main.conf"
}

# ---- commands: SERVER_TEST says whether the configuration is good, SERVER_RUN stays in front ----
server_commands() { # name
  local program
  program=$(server_program "$1") || return
  case $1 in
    lighttpd*)
      SERVER_TEST=("$program" -tt -f "$SERVER_MAIN")
      SERVER_RUN=("$program" -D -f "$SERVER_MAIN")
      ;;
    nginx)
      SERVER_TEST=("$program" -q -t -e stderr -p "$WEB_DIR" -c "$SERVER_MAIN")
      SERVER_RUN=("$program" -e stderr -p "$WEB_DIR" -c "$SERVER_MAIN")
      ;;
    apache*)
      SERVER_RUN=("$program" -d "$WEB_DIR" -f "$SERVER_MAIN")
      [ "$1" != apache-fcgid ] || SERVER_RUN+=(-D MARQUEE_FCGID)
      [ "$1" != apache-cgi ] || SERVER_RUN+=(-D MARQUEE_CGI)
      SERVER_TEST=("${SERVER_RUN[@]}" -t)
      SERVER_RUN+=(-D FOREGROUND)
      ;;
  esac
}

# ---- the stack's own ----
web_place() {
  WEB_DIR=$STATE/web WEB_PORT=$(port) WEB_GATEWAY=$RUN/app/fcgi.sock
  server_has_pool "$1" || WEB_GATEWAY=$(FCGI)
}

web_stop() { piece_stop web "$(server_signal "$(server_chosen)")" 30; }

# Started anew when another server is wanted, or its program or configuration changed.
web_start() { # name
  local sig
  web_place "$1"
  server_configure "$1" && server_commands "$1" || return
  sig=$(echo "$1"; cksum <"$WEB_DIR/marquee.conf"; cksum <"$WEB_DIR/main.conf"; signature "${SERVER_RUN[0]}"
    server_has_pool "$1" || signature "$WEB_GATEWAY" "$CONF")
  if ! piece_current web "$sig"; then
    web_stop
    as_user "$APP_USER" "${SERVER_TEST[@]}" || return
    echo "$1" >"$STATE/server"
    piece_start web "$APP_USER" "${SERVER_RUN[@]}"
  fi
  piece_ready web 60 curl -fsS -m 10 -o "$STATE/livez" "$(url)/livez" && piece_sign web "$sig"
}

# For programs that the server itself starts: it finishes what is under way, then takes the new ones.
web_reload() {
  workers_preflight && kill -s "$(server_reload_signal "$(server_chosen)")" "$(piece_pid web)"
}

# ---- alone, in front of somebody else's FastCGI responder ----
cmd_serve() { # [--server NAME] SOCKET-OR-PROGRAM
  local name=lighttpd
  if [ "${1:-}" = --server ]; then
    name=${2:-}
    shift 2
  fi
  server_check_name "$name"
  [ $# = 1 ] || die "serve needs the socket of a FastCGI responder (or a program, for CGI)"
  state_make
  # shellcheck disable=SC2046 # words
  packages_ensure $(server_packages "$name")
  dir_for "$APP_USER" 0755 "$LOGS"
  port_choose
  WEB_DIR=$STATE/web WEB_PORT=$(port) WEB_GATEWAY=$1
  server_configure "$name" && server_commands "$name" && as_user "$APP_USER" "${SERVER_TEST[@]}"
  cd /
  piece_exec "$APP_USER" "${SERVER_RUN[@]}"
}
