"""What Prometheus and Grafana are given: rules and dashboards, as code that writes k8s/components/monitoring."""
